"""A team that buys from a vendor on loopback while things go wrong, and what must hold of its books afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from click.testing import CliRunner

from routing import open_router
from routing.assembly import find_store
from routing.cli.app import app
from routing.cli.vendor import environment
from routing.core.entries import EntryKind
from routing.logs import SilentLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing import Router
    from routing.ledger.base import Store, Verification
    from routing.sandbox import Sandbox

ROUTER = """\
version: 1
policy: policy.yaml
providers:
  openai: {{kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: OPENAI_BASE_URL, timeout: {timeout}}}
deployments:
  gpt-image-2: {{provider: openai, model: gpt-image-2}}
budgets:
  everything: {{limit: {limit}, window: lifetime}}
  lately: {{limit: {limit}, window: rolling 24h}}
  campaign: {{per: campaign, limit: {limit}, window: calendar_month}}
ledger: {{url: "{ledger}", hold_for: {hold_for}}}
alerts: []
"""
POLICY = """\
version: 1
importance: [draft, review]
sort: [{importance: draft}]
routes:
  draft: [{use: [gpt-image-2], ask: {quality: low}}]
  review: [{use: [gpt-image-2], ask: {quality: medium}}]
"""
ROOT = Path(__file__).parents[2]
A_DAY = timedelta(days=1)
LATER = timedelta(hours=2)
"""By then every hold has run out."""


def prompt_of(request_id: str) -> str:
    """Say something else in every request, so that the vendor's log tells whose POST it is."""
    return f"a fox, {request_id}"


@dataclass(kw_only=True)
class Campaign:
    """A folder with both files, the vendor, and everything that is looked at afterwards."""

    folder: Path
    vendor: Sandbox
    ledger: str = "sqlite:///spend.db"
    limit: str = "100000"
    timeout: str = "20s"
    hold_for: str = "15m"
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.env = environment(self.vendor.url)
        (self.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        words = {"limit": self.limit, "timeout": self.timeout, "hold_for": self.hold_for, "ledger": self.ledger}
        (self.folder / "router.yaml").write_text(ROUTER.format(**words), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.folder / "router.yaml"

    def open(self, **different: Any) -> Router:
        return open_router(self.config, **{"env": self.env, "log": SilentLog(), **different})

    def store(self) -> Store:
        """Open the books alone."""
        store = find_store(self.ledger, self.folder)
        assert store is not None
        return store

    def verified(self) -> Verification:
        """Fold every entry; the counters must be what the entries say."""
        store = self.store()
        found = store.verify()
        store.close()
        assert found.differences == ()
        return found

    def sweep(self, at: datetime | None = None) -> int:
        """End what ran out, as any router does in passing; return how many holds that were."""
        store = self.store()
        ended = store.sweep(at or datetime.now(UTC) + LATER, release=False)
        store.close()
        return len(ended)

    def posts(self) -> Counter[str]:
        """Count the POSTs that reached the vendor, by the hash of their words; half a POST is none."""
        return Counter(row["prompt_sha256"] for row in self.vendor.log() if row["prompt_sha256"])

    def billed_nusd(self) -> int:
        """Read the vendor's sum, once nobody's order is under way any more."""
        before = None
        while (now := self.vendor.bill()["total_nusd"]) != before:
            before = now
            time.sleep(0.05)
        return int(now)

    def fetch(self) -> None:
        """Download the vendor's whole bill."""
        with urlopen(f"{self.vendor.url}/_bill.csv?vendor=openai") as answer:  # noqa: S310 - the sandbox, on loopback
            (self.folder / "bill.csv").write_bytes(answer.read())

    def reconcile(self) -> dict[str, Any]:
        """Book the vendor's whole bill as a person would; return what was told."""
        self.fetch()
        ran = CliRunner().invoke(app, self.reconciling(), env=self.env, catch_exceptions=False)
        told: dict[str, Any] = json.loads(ran.stdout)
        return told

    def reconciling(self) -> list[str]:
        """The words of the command line that books it."""
        now = datetime.now(UTC)
        bounds = ("--since", f"{now - A_DAY:%Y-%m-%d}", "--until", f"{now + 2 * A_DAY:%Y-%m-%d}")
        wishes = ("--complete", "--apply", "--json", "--config", str(self.config))
        return ["ledger", "reconcile", "--bill", str(self.folder / "bill.csv"), *bounds, *wishes]

    # What must hold -------------------------------------------------------------------------------------------------

    def check_nothing_is_lost(self) -> None:
        """The books never say less than the bill: neither while holds are open, nor once they ran out."""
        billed, found = self.billed_nusd(), self.verified()
        assert found.spent_nusd + found.held_nusd >= billed
        self.sweep()
        found = self.verified()
        assert (found.open_holds, found.held_nusd) == (0, 0)
        assert found.spent_nusd >= billed

    def check_the_bill_sets_it_right(self) -> None:
        """With the vendor's whole bill booked, the ledger is the bill, to the nano-dollar."""
        told = self.reconcile()
        assert told["agree"], told
        found = self.verified()
        assert (found.spent_nusd, found.unconfirmed_nusd) == (self.billed_nusd(), 0)

    def check_one_post_a_reservation(self, *, exactly: bool = True) -> None:
        """Each reservation was sent once; fewer only where its process died first."""
        store = self.store()
        reserved = Counter(
            sha256(prompt_of(entry.request_id).encode()).hexdigest()
            for entry in store.entries()
            if entry.kind is EntryKind.RESERVE
        )
        store.close()
        posts = self.posts()
        assert not posts - reserved
        assert posts == reserved or not exactly


@contextmanager
def buyer(campaign: Campaign, what: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that buys; it is killed at the end."""
    command = [sys.executable, "-m", "tests.faults.buyer", what, str(campaign.folder), *words]
    env = {**os.environ, **campaign.env}
    child = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdin=PIPE, stdout=PIPE)
    try:
        assert told(child) == "ready"
        go_on(child)
        yield child
    finally:
        child.kill()
        child.communicate()


def told(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def go_on(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()
