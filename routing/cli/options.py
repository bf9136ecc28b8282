"""Options that several commands share, and how their words are read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from routing.core.money import Money
    from routing.options import RequestOptions

F = TypeVar("F", bound="Callable[..., Any]")

CONFIG_HELP = "The router's file; the environment variable ROUTING_CONFIG names another."
PATH = click.Path(path_type=Path)
DEFAULT_CONFIG = "router.yaml"
MORE = ("complexity", "reasoning", "output_compression", "moderation", "user")
"""What only some models know and has no option of its own; a command line cannot show partial images."""


def read_dollars(ctx: click.Context, param: click.Parameter, value: str | None) -> Money | None:
    """Read an amount like ``0.05`` or ``$0.05`` exactly, never through a binary float."""
    from routing.core.money import Money, usd
    from routing.errors import RequestError

    if value is None:
        return None
    try:
        amount = usd(value.strip().removeprefix("$"))
    except RequestError:
        amount = Money(0)
    if amount <= 0:
        raise click.BadParameter(f"{value!r} is no amount of dollars above 0: write it like 0.05", ctx, param)
    return amount


def read_tags(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read labels like ``campaign=spring``, cut at the first equals sign."""
    return _read_pairs(ctx, param, values, "is no tag: write it like campaign=spring")


def read_more(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read options like ``complexity=high``, of those that have no option of their own here."""
    from routing.core.suggest import did_you_mean

    more = _read_pairs(ctx, param, values, "is no option: write it like complexity=high")
    for name in more:
        if name not in MORE:
            told = f"unknown option {name!r}{did_you_mean(name, MORE)}: known are {', '.join(MORE)}"
            raise click.BadParameter(told, ctx, param)
    return more


def _read_pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...], wrong: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for given in values:
        key, _, value = (part.strip() for part in given.partition("="))
        if not key or not value:
            raise click.BadParameter(f"{given!r} {wrong}", ctx, param)
        if pairs.setdefault(key, value) != value:
            raise click.BadParameter(f"{key} comes twice, as {pairs[key]!r} and as {value!r}", ctx, param)
    return pairs


def examples(*lines: str) -> str:
    """Put examples below a command's help, each on a line of its own."""
    return "\b\n" + "\n".join(("Examples:", *(f"  {line}" for line in lines)))


def config_option(command: F) -> F:
    """``--config``: the router's file."""
    return click.option(
        "--config",
        "-c",
        type=PATH,
        default=DEFAULT_CONFIG,
        envvar="ROUTING_CONFIG",
        show_default=True,
        help=CONFIG_HELP,
    )(command)


def json_option(command: F) -> F:
    """``--json``: for programs."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON and nothing else; amounts are exact decimal strings."
    )(command)


def echo_json(value: object) -> None:
    """Print plain values, for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def verbose_option(command: F) -> F:
    """``-v``: every attempt."""
    return click.option("--verbose", "-v", is_flag=True, help="Show every call to a vendor on stderr.")(command)


def stack(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Put options on a command in the order they are listed in its help."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


importance_option = click.option("--importance", "-i", help="How much the picture matters: a word of your policy.")

label_options = stack(
    click.option(
        "--tag",
        "-t",
        "tags",
        metavar="KEY=VALUE",
        multiple=True,
        callback=read_tags,
        help="A label; repeat for more.",
    ),
    click.option("--asset", help="Name of the picture you are after; groups its drafts and finals."),
)

shape_options = stack(
    click.option("--size", help="Width x height in pixels, like 1536x1024."),
    click.option("--quality", help="Where the policy leaves the choice to you."),
    click.option("--n", "-n", type=int, default=1, show_default=True, help="How many pictures."),
    click.option(
        "--max-price", metavar="DOLLARS", callback=read_dollars, help="The most the whole request may cost, like 0.05."
    ),
    click.option("--deployment", help="Narrow the route to this one of its deployments."),
    click.option("--background", help="transparent or opaque, where the model has the choice."),
    click.option("--format", "output_format", help="png, jpeg or webp, where the model has the choice."),
    click.option("--seed", type=int, help="For models that take one."),
    click.option(
        "--option",
        "more",
        metavar="NAME=VALUE",
        multiple=True,
        callback=read_more,
        help="What only some models know: complexity, reasoning, output_compression, moderation, user.",
    ),
)

buying_options = stack(
    click.option("--deadline", type=float, help="Seconds that the whole request may take, waits and all."),
    click.option("--request-id", help="Your own id: the same request again gives the first answer, unpaid."),
    click.option("--fresh", is_flag=True, help="Buy even what the cache has."),
    click.option("--output", "-o", type=PATH, help="File to save to; without it, a new name made from the prompt."),
    config_option,
    json_option,
    verbose_option,
)


def read_prompt(prompt: str) -> str:
    """Take a prompt as it is; ``-`` reads it from standard input."""
    return sys.stdin.read().strip() if prompt == "-" else prompt


def read_wishes(*, more: Mapping[str, str], **wishes: Any) -> RequestOptions:
    """Put options into the keywords of ``Router.generate``, leaving out what was not given."""
    given: dict[str, Any] = {name: value for name, value in wishes.items() if value not in (None, {})} | dict(more)
    return cast("RequestOptions", given)
