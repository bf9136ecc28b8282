"""Bills that nobody honest sends: they are read or refused in words, and never half booked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from routing.bills import files
from routing.bills.files import BillError, read_bill
from routing.cli.app import app
from routing.cli.starter import starter_files
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import NOON, record, reservation, settle

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"request_id,created_at,model,cost\n"
GOOD = b"req_0,2026-11-21T12:00:05Z,gpt-image-2,0.05\n"
BILLS = {
    "more than a ledger holds, line by line": HEAD + GOOD + b"req_1,2026-11-21T12:00:05Z,gpt-image-2,9000000000\n" * 3,
    "credits beyond every ledger": HEAD + GOOD + b"req_1,2026-11-21T12:00:05Z,gpt-image-2,-9000000000\n" * 3,
    "the last day of all": HEAD + GOOD + b",9999-12-31,gpt-image-2,0.05\n",
    "the first day of all": HEAD + GOOD + b",0001-01-01,gpt-image-2,0.05\n",
    "a formula and a terminal's words": HEAD + GOOD + b',2026-11-21T12:00:05Z,"=cmd|x!A1 \x1b[31m[/red]\x07",0.05\n',
    "nothing but nothing": b"\0" * 10_000,
    "nothing in a cell": HEAD + GOOD + b"req\0_1,2026-11-21T12:00:05Z,gpt-image-2\0,0.05\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    "a quotation mark without end": HEAD + GOOD + b'"' + b"x,\n" * 100_000,
    "a line without end": HEAD + b"x" * 1_000_000,
    "lists without end": b'{"a":' + b"[" * 60_000,
    "a number without end": b'{"model": "gpt-image-2", "created_at": "2026-11-21", "cost": ' + b"9" * 60_000 + b"}",
    "half a character": b'{"model": "gpt-image-2\\ud83d", "created_at": "2026-11-21T12:00:05Z", "cost": 0.05}',
    "half a character in an id": b'{"id": "\\ud83d", "created_at": "2026-11-21T12:00:05Z", "cost": 0.05}',
    "not a number": b'{"model": "gpt-image-2", "created_at": "2026-11-21", "cost": NaN}',
    "the finest amount": HEAD + GOOD + b",2026-11-21T12:00:05Z,gpt-image-2,1e-999\n",
}


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteStore:
    """Three calls in doubt."""
    for name, content in starter_files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    store = SqliteStore.open(tmp_path / "spend.db")
    for number in range(3):
        name = f"poster-{number}"
        store.reserve(record(name), [reservation(60_000_000, request_id=name)])
        ending = {"unconfirmed": True, "images": 0, "vendor_request_id": f"req_{number}", "at": NOON}
        store.resolve(settle(f"{name}/1", 60_000_000, **ending))
    return store


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("content", BILLS.values(), ids=BILLS.keys())
@pytest.mark.parametrize("name", ["bill", os.fsdecode(b"b\xff\x1b[31m")], ids=["plain name", "odd name"])
def test_a_bill_is_booked_whole_or_refused_in_words(
    tmp_path: Path, ledger: SqliteStore, content: bytes, suffix: str, name: str
) -> None:
    path = tmp_path / f"{name}.{suffix}"
    path.write_bytes(content)
    words = ["ledger", "reconcile", "--bill", str(path), "--provider", "openai", "--complete", "--apply"]
    config = ("--config", str(tmp_path / "router.yaml"))
    ran = CliRunner().invoke(app, [*words, *config], catch_exceptions=False)
    assert ran.exit_code in {0, 1, 2}
    told = f"{ran.stdout}{ran.stderr}".replace("\n", "")
    assert told
    assert told.isprintable()
    entries = [*ledger.entries()]
    assert ledger.verify().differences == ()
    ledger.close()
    if ran.exit_code == 2:
        assert len(entries) == 6
    again = CliRunner().invoke(app, [*words, *config], catch_exceptions=False)
    assert again.exit_code in {ran.exit_code, 0}
    store = SqliteStore.open(tmp_path / "spend.db")
    assert [*store.entries()] == entries
    store.close()


def test_a_bill_of_a_million_lines_is_refused_by_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINES_AT_MOST", 20_000)  # else it would be read for seconds first
    path = tmp_path / "bill.csv"
    path.write_bytes(HEAD + GOOD * 1_000_000)
    with pytest.raises(BillError, match="these are more than 20,000 lines"):
        read_bill(path)
