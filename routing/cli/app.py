"""The group of all commands. A command's module is imported when it is used, so that ``routing --help`` is quick."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from routing.cli.errors import report

if TYPE_CHECKING:
    from collections.abc import Sequence


class Row(NamedTuple):
    """One line of ``routing --help``; a test holds ``summary`` against the command's own first sentence."""

    section: str
    module: str
    summary: str


COMMANDS = {
    "demo": Row("Start", "demo", "Buy a small campaign from a sandbox and show what it cost; needs no key."),
    "init": Row("Start", "init", "Write router.yaml and policies/ into this folder."),
    "check": Row("Start", "check", "List every problem of both files and run the policy's tests."),
    "explain": Row("Buy", "explain", "Say where a request would go, why, and for how much; buys nothing."),
    "generate": Row("Buy", "generate", "Make pictures from words."),
    "edit": Row("Buy", "generate", "Make a picture from words and reference images."),
    "promote": Row("Buy", "generate", "Make an earlier picture again at another importance."),
    "spend": Row("Look", "spend", "Show what was spent, grouped as you like."),
    "assets": Row("Look", "assets", "Show what finished assets cost, drafts and all."),
    "show": Row("Look", "show", "Show everything about one request."),
    "budgets": Row("Look", "budgets", "Show where every budget stands, or raise one for a while."),
    "deployments": Row("Look", "deployments", "Show what can be bought from now: health, price, limits, end."),
    "diff": Row("Look", "diff", "Try an edited policy on past requests; buys nothing."),
    "ledger": Row("Look", "ledger", "Check the ledger against itself and the vendor's bill."),
    "alerts": Row("Look", "alerts", "Show what was worth knowing and who was told."),
    "sandbox": Row("Try", "sandbox", "Run a vendor on this machine that charges nothing."),
}
"""Every command, in the order of the help; a new one is one file and one row."""


class Commands(click.Group):
    """A group that knows its commands' names and summaries, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Name all commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"routing.cli.{COMMANDS[cmd_name].module}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"routing.cli.{COMMANDS[cmd_name].module}.{cmd_name} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or ask which one was meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from routing.core.suggest import did_you_mean

            ctx.fail(f"there is no command {name!r}{did_you_mean(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands by section, without importing any."""
        for section in dict.fromkeys(row.section for row in COMMANDS.values()):
            with formatter.section(section):
                rows = [(name, row.summary) for name, row in COMMANDS.items() if row.section == section]
                formatter.write_dl(rows, col_spacing=max(map(len, COMMANDS)) - max(len(name) for name, _ in rows) + 2)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT002 - click's own signature
        windows_expand_args: bool = True,  # noqa: FBT002
        **extra: Any,
    ) -> Any:  # noqa: ANN401 - what click's own returns
        """Run, and turn every mistake and failure into a message and an exit code."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            ended = super().main(
                words,
                prog_name or "routing",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            code = ended if isinstance(ended, int) else 0
        except click.exceptions.NoArgsIsHelpError as asked:
            # Who types `routing` alone wants to know what there is: no mistake was made.
            click.echo(asked.format_message())
            code = 0
        except Exception as error:
            # Everything after `--` is the prompt's, not ours.
            found = report(error, as_json="--json" in takewhile(lambda word: word != "--", words))
            if found is None:
                raise
            code = found
        if standalone_mode:
            sys.exit(code)
        return code


def _show_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("image-routing")
    except PackageNotFoundError:
        found = "from a checkout that is not installed"
    click.echo(f"routing {found}")
    ctx.exit()


@click.group(
    "routing",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 the vendor or the work failed, 2 the command or the YAML is wrong, 3 refused by a"
    " budget, a price cap or the policy, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Buy images from the model that is good enough, within budgets.

    Say how much a picture matters (--importance draft, review, final) or label it with tags; policies/*.yaml decides
    which model, quality and size that buys, router.yaml from whom and within which budgets.
    """
