"""``routing generate``, ``edit`` and ``promote``: buying pictures."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from routing.cli.errors import Interrupted
from routing.cli.opening import open_buying
from routing.cli.options import (
    PATH,
    buying_options,
    echo_json,
    examples,
    importance_option,
    label_options,
    read_prompt,
    read_wishes,
    shape_options,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from routing.results import Result
    from routing.router import Router

SETTLED = "if a call was under way, it is booked at its quote, as unconfirmed: `routing spend` shows it"


@click.command(
    epilog=examples(
        'routing generate "a fox in the snow" --importance draft',
        "routing generate 'Poster: the word \"LAUNCH\"' -i final -o poster.png --tag campaign=spring",
    )
)
@click.argument("prompt")
@importance_option
@label_options
@shape_options
@buying_options
def generate(prompt: str, **options: Any) -> None:
    """Make pictures from words.

    A PROMPT of - is read from standard input. Words in double quotes are words to be seen in the picture.
    """
    words = read_prompt(prompt)
    _buy(options, lambda router, wishes: router.generate(words, **wishes))


@click.command(
    epilog=examples(
        'routing edit "the fox of image 1 in the palette of image 2" --image fox.png --image palette.png',
    )
)
@click.argument("prompt")
@click.option("--image", "images", type=PATH, multiple=True, required=True, help="A reference; repeat for more.")
@click.option("--mask", type=PATH, help="A PNG of the first image's size: its transparent parts are made anew.")
@importance_option
@label_options
@shape_options
@buying_options
def edit(prompt: str, images: tuple[Path, ...], **options: Any) -> None:
    """Make a picture from words and reference images."""
    words = read_prompt(prompt)
    _buy(options, lambda router, wishes: router.edit(words, images=images, **wishes))


@click.command(
    epilog=examples(
        "routing promote 0199a3c0d2e-5a1f0c2b7d --importance final -o poster.png",
    )
)
@click.argument("draft", metavar="REQUEST_ID")
@click.option("--importance", "-i", required=True, help="The importance to make it at.")
@click.option("--prompt", help="Other words than the draft's.")
@click.option(
    "--picture",
    type=int,
    metavar="NUMBER",
    help="Which of the draft's pictures goes along, where the policy takes one.",
)
@shape_options
@buying_options
def promote(draft: str, prompt: str | None, picture: int | None, **options: Any) -> None:
    """Make an earlier picture again at another importance.

    REQUEST_ID is what generate and edit print. Words, references, labels and size are the draft's; where the policy
    says `draft: reference`, its picture goes along as the first reference.
    """
    _buy(options, lambda router, wishes: router.promote(draft, prompt=prompt, picture=picture, **wishes))


def _buy(options: dict[str, Any], work: Callable[[Router, Any], Result]) -> None:
    """Check where to save, buy, save, and tell; Ctrl-C says what it means for the money."""
    from routing.cli.receipt import degraded_line, receipt_json, receipt_lines
    from routing.cli.saving import check_output, save

    config, as_json, verbose = options.pop("config"), options.pop("as_json"), options.pop("verbose")
    output: Path | None = options.pop("output")
    wishes = read_wishes(**options)
    check_output(output)
    try:
        with open_buying(config, verbose=verbose) as router, _waiting(quiet=as_json or verbose):
            result = work(router, wishes)
    except KeyboardInterrupt:
        raise Interrupted(SETTLED) from None
    files = save(result, output)
    if result.degraded:
        click.echo(degraded_line(result), err=True)
    if as_json:
        echo_json(receipt_json(result, files))
    else:
        click.echo("\n".join(receipt_lines(result, files)))


def _waiting(*, quiet: bool) -> Any:  # noqa: ANN401 - a context manager of whatever kind
    """Show on a terminal that something is under way: a large final takes minutes."""
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("buying ... (large pictures at high quality take minutes)")
