"""The words of a prompt are in the ledger only where ``ledger.keep_prompts`` says so."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from routing.assembly import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

WORDS = "a fox nobody must hear of"


@pytest.mark.parametrize("keep", [True, False])
def test_words_are_kept_only_where_that_is_asked_for(
    routing: CommandLine, edit_config: Callable[[str, str], None], *, keep: bool
) -> None:
    edit_config("hold_for: 15m", f"hold_for: 15m, keep_prompts: {str(keep).lower()}")
    ran = routing("generate", WORDS, "-o", "fox.png", "--json")
    assert ran.code == 0
    with closing(open_store("sqlite:///spend.db", routing.folder)) as store:
        history = store.history(json.loads(ran.out)["request_id"])
    assert history is not None
    assert history.record.prompt == (WORDS if keep else None)
    written = b"".join(path.read_bytes() for path in routing.folder.glob("spend.db*"))
    assert (WORDS.encode() in written) is keep
