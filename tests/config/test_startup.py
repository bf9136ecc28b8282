"""What reading the files loads, and where the ledger is without reading the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from routing.config.ledger import read_ledger
from routing.errors import ConfigError

ROOT = Path(__file__).parents[2]


def modules_after(statement: str, *names: str) -> list[str]:
    """Run a statement in a fresh interpreter and tell which of these modules it has loaded."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sorted({set(names)!r} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()


def test_loading_imports_no_vendors_library() -> None:
    load = (
        "import datetime, pathlib; from routing.config.load import load; "
        "load(pathlib.Path('router.yaml'), {}, today=datetime.date(2026, 11, 21))"
    )
    assert modules_after(load, "litellm", "openai", "httpx", "starlette") == []


def test_the_ledger_is_found_without_pydantic() -> None:
    read = "from pathlib import Path; from routing.config.ledger import read_ledger as read; read(Path('router.yaml'))"
    assert modules_after(read, "pydantic", "litellm", "openai") == []


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("version: 1\n", "sqlite:///spend.db"),
        ("ledger: {hold_for: 1m}\n", "sqlite:///spend.db"),
        ('ledger: {url: "sqlite:////var/lib/spend.db"}\n', "sqlite:////var/lib/spend.db"),
        ('ledger: {url: "memory://"}\nprices: [broken]\n', "memory://"),
    ],
)
def test_the_ledgers_url_is_read_whatever_else_is_wrong(tmp_path: Path, text: str, url: str) -> None:
    (tmp_path / "router.yaml").write_text(text, encoding="utf-8")
    assert read_ledger(tmp_path / "router.yaml").url == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ledger: {url: 'sqlite://spend.db'}\n",
            r"1:15: ledger.url: a sqlite url has three slashes and a file name; write ",
        ),
        ("ledger: {url: 'mysql://u:p@h/db'}\n", r"ledgers of kind mysql are not known; write "),
        ("ledger: {url: 7}\n", r"this is no ledger url"),
        ("ledger: here\n", r"this is no ledger url"),
        ("- list\n", r"the file holds a list"),
        ("a: [\n", r"not valid YAML|not closed"),
    ],
)
def test_a_ledger_that_cannot_be_found_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "router.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_ledger(tmp_path / "router.yaml")
