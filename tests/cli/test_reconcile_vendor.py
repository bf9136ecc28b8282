"""``ledger reconcile`` over real HTTP: whatever went wrong between, afterwards the ledger is the vendor's bill."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from routing.sandbox import Sandbox
    from tests.cli.conftest import CommandLine

RECONCILE = ("ledger", "reconcile")
UNKNOWN = ("reset", "truncated", "html", "badjson", "null:data", "hang:9", "reset-early", "error200")
"""The last two were never charged, which nobody here can know."""


@pytest.fixture
def doubtful(routing: CommandLine, vendor: Sandbox, edit_config: Callable[[str, str], None]) -> CommandLine:
    """Purchases that went well, and one for each way not to learn what became of it."""
    edit_config("timeout: 360s", "timeout: 1s")
    vendor.inject([None, *UNKNOWN, "429:0", None])
    for number in range(len(UNKNOWN) + 2):
        routing("generate", f"fox {number}", "-o", f"{number}.png", "--request-id", f"fox-{number}")
    return routing


def download(vendor: Sandbox, name: str, folder: Path) -> str:
    with urlopen(f"{vendor.url}/_bill.{name}?vendor=openai") as answer:  # noqa: S310 - the sandbox, on loopback
        (folder / f"bill.{name}").write_bytes(answer.read())
    return f"bill.{name}"


def spent(routing: CommandLine) -> dict[str, Any]:
    total: dict[str, Any] = json.loads(routing("spend", "--by", "", "--json").out)["total"]
    return total


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_after_booking_the_vendors_bill_the_ledger_is_the_bill(
    doubtful: CommandLine, vendor: Sandbox, form: str
) -> None:
    before = spent(doubtful)
    assert before["unconfirmed_usd"] != "0"
    assert before["spent_usd"] != vendor.bill()["total_usd"]
    today = datetime.now(UTC)
    words = (
        *RECONCILE,
        "--bill",
        download(vendor, form, doubtful.folder),
        "--since",
        f"{today - timedelta(days=1):%Y-%m-%d}",
        "--until",
        f"{today + timedelta(days=2):%Y-%m-%d}",
        "--complete",
    )
    assert doubtful(*words).code == 1
    assert spent(doubtful) == before
    booked = doubtful(*words, "--apply")
    assert booked.code == 0, booked.out
    after = spent(doubtful)
    assert (after["spent_usd"], after["unconfirmed_usd"]) == (vendor.bill()["total_usd"], "0")
    assert doubtful("ledger", "verify").code == 0
    again = doubtful(*words, "--apply")
    assert (again.code, again.out.splitlines()[-1]) == (0, "the ledger agrees with the bill")


def test_a_model_of_ones_own_is_looked_for_under_the_vendors_name(
    routing: CommandLine, vendor: Sandbox, edit_config: Callable[[str, str], None]
) -> None:
    own = "vendor: studio\nkinds: [openai]\nmodels:\n  studio-image: {like: openai:gpt-image-2, wire: gpt-image-2}\n"
    (routing.folder / "studio.yaml").write_text(own, encoding="utf-8")
    edit_config("version: 1\n", "version: 1\ncatalog: [studio.yaml]\n")
    edit_config("model: gpt-image-2, images", "model: studio-image, images")
    vendor.inject(["html", "reset", "reset-early"])
    for number in range(3):
        routing("generate", f"fox {number}", "-i", "final", "-o", f"{number}.png", "--request-id", f"fox-{number}")
    today = datetime.now(UTC)
    bounds = ("--since", f"{today - timedelta(days=1):%Y-%m-%d}", "--until", f"{today + timedelta(days=2):%Y-%m-%d}")
    words = (*RECONCILE, "--bill", download(vendor, "csv", routing.folder), *bounds, "--complete", "--apply")
    booked = routing(*words)
    assert booked.code == 0, booked.out
    after = spent(routing)
    assert (after["spent_usd"], after["unconfirmed_usd"]) == (vendor.bill()["total_usd"], "0")
    assert routing(*words).code == 0
    costs = (*RECONCILE, "--costs", "openai", *bounds)
    assert routing(*costs, OPENAI_ADMIN_KEY="sk-admin-test").code == 0


def test_openais_own_sums_are_set_beside_the_ledgers(doubtful: CommandLine, vendor: Sandbox) -> None:
    today = datetime.now(UTC)
    words = (
        *RECONCILE,
        "--costs",
        "openai",
        "--since",
        f"{today - timedelta(days=40):%Y-%m-%d}",  # more than one page
        "--until",
        f"{today + timedelta(days=2):%Y-%m-%d}",
    )
    entries = doubtful("ledger", "verify").out
    ran = doubtful(*words, "--json", OPENAI_ADMIN_KEY="sk-admin-test")
    told = json.loads(ran.out)
    assert ran.code == 1
    assert told["billed_usd"] == vendor.bill()["total_usd"]
    assert told["booked_usd"] == spent(doubtful)["spent_usd"]
    assert {row["model"] for row in told["rows"]} == {"gpt-image-2"}
    assert doubtful("ledger", "verify").out == entries
    text = doubtful(*words, OPENAI_ADMIN_KEY="sk-admin-test").out
    assert text.splitlines()[2].split() == ["day", "model", "billed", "booked", "unconfirmed", "difference"]
    assert text.endswith("a bill with --bill does\n")


@pytest.mark.parametrize(
    ("key", "told"),
    [("sk-test", "that needs an admin key"), ("sk-admin-invalid", "the key in OPENAI_ADMIN_KEY is refused")],
)
def test_a_key_that_may_not_look_is_told_and_not_shown(routing: CommandLine, key: str, told: str) -> None:
    ran = routing(
        *RECONCILE, "--costs", "openai", "--since", "2026-11-01", "--until", "2026-11-02", OPENAI_ADMIN_KEY=key
    )
    assert ran.code == 1
    assert told in ran.err
    assert key not in ran.err.replace("sk-admin-...", "")


def test_costs_of_models_that_are_not_ours_are_told_apart(
    routing: CommandLine, edit_config: Callable[[str, str], None], vendor: Sandbox
) -> None:
    routing("generate", "a fox", "-o", "fox.png")
    edit_config("gpt-image-2: {provider: openai, model: gpt-image-2,", "gpt-image-2: {provider: google, model: other,")
    today = datetime.now(UTC)
    ran = routing(
        *RECONCILE,
        "--costs",
        "openai",
        "--since",
        f"{today - timedelta(days=1):%Y-%m-%d}",
        "--until",
        f"{today + timedelta(days=2):%Y-%m-%d}",
        OPENAI_ADMIN_KEY="sk-admin-test",
    )
    assert ran.code == 0
    paid = vendor.bill()["total_usd"]
    assert f"the organization also paid ${paid} for what router.yaml does not buy from openai: gpt-image-2" in ran.out
