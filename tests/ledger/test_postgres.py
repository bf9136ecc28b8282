"""What only a ledger in PostgreSQL can get wrong: the server, the schema, and who may do what there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Balance
from routing.core.extras import how_to_install
from routing.errors import LedgerUnavailable
from tests.ledger.purchases import NOVEMBER, buy, claim, record, reservation, settle
from tests.postgres_server import PASSWORD, URL_PASSWORD, shared_server

pytest.importorskip("psycopg")

import psycopg

from routing.ledger import postgres_reader
from routing.ledger.operations import fetch
from routing.ledger.postgres import PostgresStore
from routing.ledger.postgres_connection import BATCH, Place, translated
from routing.ledger.postgres_desk import Desk
from routing.ledger.postgres_schema import prepare
from routing.ledger.queries import SQL, scripts

if TYPE_CHECKING:
    from tests.ledger.shelves import PostgresShelf

ROOT = Path(__file__).parents[2]


def read(shelf: PostgresShelf, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(shelf.url, options=f"-c search_path={shelf.schema}") as connection:
        return connection.execute(sql.encode()).fetchall()


# --- Servers that cannot be used --------------------------------------------------------------------------------------


def test_a_wrong_password_is_told_without_repeating_it() -> None:
    url = shared_server().tcp_url.replace(URL_PASSWORD, "wr0ng%40pass")
    with pytest.raises(LedgerUnavailable) as refused:
        PostgresStore.open(url)
    told = str(refused.value)
    assert told.startswith(f"the ledger postgresql://ledger@127.0.0.1:{shared_server().port}/postgres cannot be used: ")
    assert "check the user and the password in the variable that `ledger.url_env` names" in told
    assert "wr0ng" not in told


def test_a_missing_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    with pytest.raises(LedgerUnavailable, match="the url has no password: put the whole url into the variable that"):
        PostgresStore.open(shared_server().tcp_url.replace(f":{URL_PASSWORD}", ""))


def test_a_server_that_does_not_run_is_told_at_once() -> None:
    with pytest.raises(LedgerUnavailable, match="is the server running, and is it this host and port"):
        PostgresStore.open(f"postgresql://ledger:{URL_PASSWORD}@127.0.0.1:1/postgres")


def test_a_database_that_is_not_there_is_told() -> None:
    with pytest.raises(LedgerUnavailable, match='database "spend" does not exist'):
        PostgresStore.open(shared_server().tcp_url.replace("/postgres", "/spend"))


@pytest.mark.parametrize(
    "url", ["postgresql://ledger:se%zzcret@host/spend", "postgresql://ledger:secret@host:a/spend?sslmod=x", "nonsense"]
)
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(
        LedgerUnavailable, match=r"url cannot be read: write postgresql://user:password@host"
    ) as refused:
        PostgresStore.open(url)
    assert "cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_password_in_any_message_is_blotted_out() -> None:
    told = Place(shared_server().tcp_url, "x").unavailable(psycopg.OperationalError(f"no {PASSWORD} here"))
    assert str(told).endswith("cannot be used: no *** here")


def test_a_router_without_psycopg_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path; from routing.assembly import open_store\n"
        "open_store('postgresql://ledger@host/spend', Path())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True)
    assert f"LedgerUnavailable: a ledger in PostgreSQL needs psycopg: {how_to_install('postgres')}" in done.stderr


# --- Schemas ----------------------------------------------------------------------------------------------------------


def test_a_schema_of_another_program_is_refused_and_left_as_it_is(shelf: PostgresShelf) -> None:
    shelf.tamper(f"CREATE SCHEMA {shelf.schema}", "CREATE TABLE entries (title TEXT)", unlocked=False)
    with pytest.raises(LedgerUnavailable, match=r"has a schema 'test_.*' that is not a ledger of this router"):
        shelf.open()
    assert read(shelf, "SELECT * FROM entries") == []


def test_an_empty_schema_that_someone_made_for_it_becomes_a_ledger(shelf: PostgresShelf) -> None:
    shelf.tamper(f"CREATE SCHEMA {shelf.schema}", unlocked=False)
    buy(shelf.open(), "poster", 1)
    assert read(shelf, "SELECT application, version FROM ledger") == [("image-routing", len(scripts("postgres")))]


def test_a_ledger_of_a_newer_router_is_refused(shelf: PostgresShelf, store: PostgresStore) -> None:
    store.close()
    shelf.tamper("UPDATE ledger SET version = 99", unlocked=False)
    with pytest.raises(LedgerUnavailable, match=r"has version 99, written by a newer router; .*: update it"):
        shelf.open()


def test_an_older_ledger_is_brought_up_to_date_and_keeps_its_rows(shelf: PostgresShelf, store: PostgresStore) -> None:
    buy(store, "poster", 5)
    newest = len(scripts("postgres")) + 1
    steps = [*scripts("postgres"), (newest, "ALTER TABLE requests ADD COLUMN mood TEXT;")]
    for _ in range(2):
        place = Place(shelf.url, shelf.schema)
        with place.connect() as connection:
            prepare(connection, place, steps)
    assert read(shelf, "SELECT request_id, mood, version FROM requests, ledger") == [("poster", None, newest)]


def test_nothing_can_be_emptied_behind_the_ledgers_back(shelf: PostgresShelf, store: PostgresStore) -> None:
    buy(store, "poster", 5)
    for table in ("entries", "requests", "counters", "raises"):
        with pytest.raises(LedgerUnavailable, match="never deleted"):
            shelf.attempt(f"TRUNCATE {table}")


# --- Who may do what --------------------------------------------------------------------------------------------------


def test_a_role_that_may_only_read_can_look_and_is_told_that_it_may_not_buy(
    shelf: PostgresShelf, store: PostgresStore
) -> None:
    buy(store, "poster", 5, claim())
    role = f"auditor_{shelf.schema}"
    shelf.tamper(
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA {shelf.schema} TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {shelf.schema} TO {role}",
        unlocked=False,
    )
    auditor = PostgresStore.open(shelf.url.replace("ledger@", f"{role}@"), schema=shelf.schema)
    assert auditor.verify().spent_nusd == 5
    with pytest.raises(LedgerUnavailable, match="its role may not do this"):
        auditor.reserve(record("b"), [reservation(1, request_id="b")])
    auditor.close()
    shelf.tamper(f"DROP OWNED BY {role}", f"DROP ROLE {role}", unlocked=False)


def test_a_commit_waits_for_the_disk_where_the_server_was_told_not_to(shelf: PostgresShelf) -> None:
    place = Place(f"{shelf.url}&options=-c%20synchronous_commit%3Doff", shelf.schema)
    with place.connect() as connection, connection.transaction():
        connection.execute(translated(BATCH["settings"]), place.settings(statement_s=1))
        assert connection.execute("SHOW synchronous_commit").fetchall() == [{"synchronous_commit": "on"}]


# --- Sharing ----------------------------------------------------------------------------------------------------------


def test_two_stores_share_a_ledger(shelf: PostgresShelf, store: PostgresStore) -> None:
    other = shelf.open()
    store.reserve(record(), [reservation(30, claim())])
    other.resolve(settle("poster/1", 20))
    assert store.balances("month", [NOVEMBER]) == {claim().key: Balance(spent_nusd=20)}


def test_a_reader_sees_one_state_while_others_write(store: PostgresStore) -> None:
    buy(store, "a", 1)
    with store._reader.reading() as cursor:
        before = fetch(cursor, "extent", {})
        buy(store, "b", 1)
        assert fetch(cursor, "extent", {}) == before
    assert store.verify().entries == 4


def test_readers_wait_for_a_connection_with_a_bound(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_reader, "WAIT_S", 0.01)
    reading = store._reader.reading
    with reading(), reading(), reading():
        buy(store, "a", 1)  # whoever writes does not need one of them
        with pytest.raises(LedgerUnavailable, match="all 3 connections that read have been busy"):
            store.verify()
    assert store.verify().entries == 2


def test_a_store_used_after_a_fork_says_so_and_leaves_its_parents_alone(shelf: PostgresShelf) -> None:
    program = """
import os, sys, warnings
from routing.errors import LedgerUnavailable
from routing.ledger.postgres import PostgresStore
from tests.ledger.purchases import buy
store = PostgresStore.open(sys.argv[1], schema=sys.argv[2])
buy(store, "parent", 1)
store.verify()
warnings.simplefilter("ignore")
child = os.fork()
if not child:
    for use in (lambda: buy(store, "child", 1), store.verify):
        try:
            use()
        except LedgerUnavailable as error:
            print(error, flush=True)
    store.close()
    os._exit(0)
os.waitpid(child, 0)
buy(store, "parent again", 1)
print(store.verify().entries, store.verify().differences, store._writer._batch)
store.close()
"""
    command = [sys.executable, "-c", program, shelf.url, shelf.schema]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.count("was opened in another process: open it again after a fork") == 2
    assert done.stdout.endswith("4 () 4\n")


# --- Statements -------------------------------------------------------------------------------------------------------


def test_the_parameters_of_shared_statements_become_psycopgs() -> None:
    assert translated("SELECT a % 2, CAST(:a AS TEXT), '{a}'::text FROM t WHERE b = :b_2") == (
        b"SELECT a %% 2, CAST(%(a)s AS TEXT), '{a}'::text FROM t WHERE b = %(b_2)s"
    )


def test_an_operation_may_use_no_statement_that_the_desk_does_not_know() -> None:
    source = (ROOT / "routing/ledger/operations.py").read_text(encoding="utf-8")
    used = set(re.findall(r'(?:SQL\[|fetch(?:_all)?\(cursor, )"(\w+)"', source))
    assert used == {name for name in SQL if hasattr(Desk, f"_{name}")}
