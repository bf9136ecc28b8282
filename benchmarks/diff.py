"""How long `routing diff` takes over 100,000 past requests, and what of that is reading them.

    python benchmarks/diff.py

The requests are made up, of a few thousand kinds: bought and settled in a real SQLite ledger, then copied in it over a
month. Printed: the whole command as a person types it; reading the same requests and deciding nothing; and the loop one
would write first (each request looked up by its id, decided twice, its budgets found anew), on a part of them.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from routing.assembly import load_config, open_store
from routing.core.budgets import Purchase, claims_for
from routing.core.features import Features
from routing.core.picture import Size
from routing.core.plan import decide
from routing.core.request import Operation
from tests.ledger.purchases import record, reservation, settle

if TYPE_CHECKING:
    from routing.core.policy import Settings
    from routing.ledger.base import Store

ROOT = Path(__file__).parents[1]
OLD, NEW = "policies/nano-banana-drafts.yaml", "policies/default.yaml"
KINDS = 2_000
SIZES = tuple(Size(width=width, height=height) for width, height in ((1024, 1024), (1536, 1024), (1024, 1536)))
SECONDS_AT_MOST = 10.0
SAMPLE = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=100_000)
    requests = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copy(ROOT / "router.yaml", folder)
        shutil.copytree(ROOT / "policies", folder / "policies")
        settings = load_config(folder / "router.yaml", {}, datetime.now(UTC).date()).settings.with_keys()
        since = datetime.now(UTC) - timedelta(days=30)
        fill(folder / "spend.db", settings, since, requests)
        command = [sys.executable, "-m", "routing", "diff", OLD, NEW, "--since", "31d", "--json"]
        started = time.perf_counter()
        said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
        whole_s = time.perf_counter() - started
        found = json.loads(said)
        assert found["requests"] == requests, found["requests"]
        with closing(open_store("sqlite:///spend.db", folder)) as store:
            load_s = read(store, since, requests)
            naive_s = look_up(store, settings, since, min(SAMPLE, requests)) * requests / min(SAMPLE, requests)
    print(f"{requests:,} past requests, {found['moved']:,} of them move")
    for what, seconds in (("routing diff", whole_s), ("reading alone", load_s), ("one by one, no report", naive_s)):
        print(f"{what:<22} {seconds:6.2f} s {seconds / requests * 1e6:7.1f} us a request {seconds / whole_s:5.2f} x")
    sys.exit(whole_s > SECONDS_AT_MOST)


def fill(path: Path, settings: Settings, since: datetime, requests: int) -> None:
    """Buy requests of every kind, then copy them until there are so many, spread over 29 days."""
    chance = random.Random(7)
    step = timedelta(days=29) / requests
    generous = [replace(budget, limit_nusd=10**15) for budget in settings.budgets]
    with closing(open_store(f"sqlite:///{path.name}", path.parent)) as store:
        for number in range(min(KINDS, requests)):
            at = since + number * step
            features = made_up(chance)
            plan = decide(settings, features, at.date())
            first = plan.candidates[0]
            purchase = Purchase(
                importance=plan.importance, deployment=first.deployment.name,
                operation=features.operation.value, tags=features.tags,
            )  # fmt: skip
            claims = claims_for(generous, purchase, settings.policy.importance, at)
            name = f"made-up-{number}"
            kept = replace(record(name, at=at), importance=plan.importance, features=features)
            bought = reservation(
                first.quote.price_nusd, *claims, request_id=name, at=at, images=features.n,
                deployment=first.deployment.name, model=first.deployment.model.name, size=str(first.size),
                quality=first.quality, expires_at=at + timedelta(minutes=15),
            )  # fmt: skip
            store.reserve(kept, [bought])
            store.resolve(settle(bought.id, first.quote.expected_nusd, at=at, images=features.n))
    with closing(sqlite3.connect(path)) as connection, connection:
        copy(connection, requests, int(step / timedelta(milliseconds=1)))


def made_up(chance: random.Random) -> Features:
    """Think of a request as a team makes them: mostly drafts, some edits, words in one of five."""
    chars = chance.randrange(20, 900)
    references = chance.choice((0, 0, 0, 1, 2))
    stage = chance.choices(("draft", "review", "final"), (80, 12, 8))[0]
    return Features(
        prompt_chars=chars,
        prompt_bytes=chars + chance.randrange(20),
        text_chars=chance.choice((0, 0, 0, 0, 24)),
        importance=stage if chance.random() < 0.7 else None,
        operation=Operation.EDIT if references else Operation.GENERATE,
        tags={"campaign": f"c{chance.randrange(12):02}", "stage": stage, "audience": "internal"},
        size=chance.choice(SIZES),
        n=chance.choice((1, 1, 2, 4)),
        references=(SIZES[0],) * references,
    )


def copy(connection: sqlite3.Connection, requests: int, step_ms: int) -> None:
    """Copy the rows of the ledger; counters stay as they are, for nobody verifies this one."""
    for table, number, times in (("requests", "id", 1), ("entries", "seq", 2)):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        own = {
            number: f"{number} + {times} * :by",
            "at": f"at + :by * {step_ms}",
            "request": "request + :by",
            "request_id": "request_id || '-' || :by",
        }
        values = ", ".join(own.get(column, column) for column in columns)
        statement = f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {number} <= :last"  # noqa: S608 - our own
        for by in range(KINDS, requests, KINDS):
            connection.execute(statement, {"by": by, "last": times * min(KINDS, requests - by)})


def read(store: Store, since: datetime, requests: int) -> float:
    started = time.perf_counter()
    count = sum(1 for _ in store.pasts(since - timedelta(days=1), since + timedelta(days=31)))
    assert count == requests, count
    return time.perf_counter() - started


def look_up(store: Store, settings: Settings, since: datetime, requests: int) -> float:
    names = [f"made-up-{at % KINDS}" + (f"-{at - at % KINDS}" if at >= KINDS else "") for at in range(requests)]
    total = 0
    started = time.perf_counter()
    for name in names:
        history = store.history(name)
        assert history is not None, name
        features, at = history.record.features, history.record.at
        assert at >= since - timedelta(days=1)
        for _ in ("before", "after"):
            plan = decide(settings, features, at.date())
            purchase = Purchase(
                importance=plan.importance, deployment=plan.candidates[0].deployment.name,
                operation=features.operation.value, tags=features.tags,
            )  # fmt: skip
            claims_for(settings.budgets, purchase, settings.policy.importance, at)
            total += plan.candidates[0].quote.expected_nusd
    assert total
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
