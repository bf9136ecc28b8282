"""``routing demo``: the main job from end to end, against a vendor on this machine."""

from __future__ import annotations

import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from routing.cli.errors import FAILED, Interrupted
from routing.cli.options import PATH, echo_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.cli.demo_account import Account
    from routing.cli.demo_campaign import Step
    from routing.cli.demo_folder import DemoFolder
    from routing.options import RequestOptions
    from routing.results import Result
    from routing.router import Router

COLUMNS = 80


@click.command
@click.option("--out", type=PATH, default=Path("demo-out"), show_default=True, help="Folder for pictures and ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print the account at the end as JSON, and nothing else.")
@click.pass_context
def demo(ctx: click.Context, out: Path, as_json: bool) -> None:
    """Buy a small campaign from a sandbox and show what it cost; needs no key.

    Starts a vendor on this machine, sends it drafts, repeats, an edit, reviews and finals through the shipped
    router.yaml, and compares the ledger with the vendor's bill. Nothing leaves this machine and nothing is charged.
    Each run begins its folder afresh.
    """
    from routing.cli.demo_account import account_json, account_lines
    from routing.cli.demo_folder import DemoFolder
    from routing.cli.screen import screen_width, show
    from routing.cli.vendor import require_sandbox
    from routing.reports.spend import spend_table

    require_sandbox()
    folder = DemoFolder(out)
    try:
        account = _run(folder, quiet=as_json)
    except KeyboardInterrupt:
        raise Interrupted("the sandbox has ended; nothing was charged anywhere") from None
    if as_json:
        echo_json(account_json(account))
    else:
        click.echo()
        show(spend_table(account.rows, account.rows[0].by, min(COLUMNS, screen_width())))
        click.echo()
        click.echo("\n".join([*account_lines(account), "", *_next_steps(folder)]))
    if account.difference or account.differences:
        ctx.exit(FAILED)


def _run(folder: DemoFolder, *, quiet: bool) -> Account:
    from routing.assembly import open_router
    from routing.cli.demo_account import settle_up
    from routing.cli.demo_campaign import CAMPAIGN
    from routing.cli.demo_story import story
    from routing.cli.vendor import environment
    from routing.logs import SilentLog
    from routing.sandbox import Sandbox

    with Sandbox.spawn() as vendor, open_router(folder.config, env=environment(vendor.url), log=SilentLog()) as router:
        if not quiet:
            click.echo(f"sandbox vendor on {vendor.url}, pictures and ledger in {folder.path}/\n")
        results: dict[str, Result] = {}
        with story(_rule_words(folder), quiet=quiet) as shown:
            for number, step in enumerate(CAMPAIGN, start=1):
                shown.begin(step, len(CAMPAIGN))
                results[step.name] = result = buy(router, step, results)
                _save(folder, f"{number:02d}-{step.name}", result)
                shown.end(number, step, result)
        return settle_up(router, list(results.values()), vendor.bill())


def buy(router: Router, step: Step, results: Mapping[str, Result]) -> Result:
    """Send one request of the campaign."""
    from routing.cli.demo_campaign import CAMPAIGN

    if step.again:
        return buy(router, next(earlier for earlier in CAMPAIGN if earlier.name == step.again), results)
    if step.promotes:
        return router.promote(results[step.promotes], importance=step.importance)
    wishes: RequestOptions = {
        "importance": step.importance,
        "tags": step.tags,
        "size": step.size,
        "n": step.n,
        "asset": step.asset,
    }
    if step.references:
        images = [results[name].images[0] for name in step.references]
        return router.edit(step.prompt, images=images, **wishes)
    return router.generate(step.prompt, **wishes)


def _save(folder: DemoFolder, stem: str, result: Result) -> None:
    from routing.cli.saving import ENDINGS

    for picture in result.save(folder.path / f"{stem}{ENDINGS[result.images[0].format]}"):
        folder.claim(picture.name)


def _rule_words(folder: DemoFolder) -> dict[str, str]:
    from routing.assembly import load_config
    from routing.reports.plan import rule_words

    return rule_words(load_config(folder.config, {}, datetime.now(UTC).date()).settings.policy)


def _next_steps(folder: DemoFolder) -> list[str]:
    routing, config = command_words(), f"--config {shlex.quote(str(folder.config))}"
    return [
        f"the pictures are in {folder.path}/. Next, try:",
        f"  {routing} spend {config} --by campaign",
        f"  {routing} explain 'A sign that says \"Open\"' {config} --assume-keys",
        f"  {routing} budgets {config}",
    ]


def command_words() -> str:
    """Say how this program is called from this shell: ``scripts/demo`` runs it where the path has no ``routing``."""
    here = Path(sys.executable).parent
    found = shutil.which("routing")
    if found and Path(found).resolve().parent == here.resolve():
        return "routing"
    script = here / "routing"
    if not script.is_file():
        return f"{shlex.quote(sys.executable)} -m routing"
    near = script.is_relative_to(Path.cwd())
    return shlex.quote(str(script.relative_to(Path.cwd()) if near else script))
