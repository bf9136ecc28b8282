"""A workload file: what it says, and what is wrong with a line of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from routing.core.picture import Size
from routing.core.request import Operation
from routing.errors import RequestError
from routing.workload import REFERENCE, read_workload

if TYPE_CHECKING:
    from pathlib import Path

FULL = {
    "ts": "2026-10-01T04:00:00+02:00",
    "request_id": "poster/1",
    "asset": "poster",
    "parent": None,
    "operation": "edit",
    "prompt": 'a fox says "Γειά"',
    "importance": None,
    "tags": {"campaign": "spring"},
    "size": "1536x1024",
    "n": 2,
    "deadline_h": 24,
    "references": 3,
    "expected_importance": "draft",
}
LEAST = {"ts": "2026-10-01", "prompt": "a fox"}


def written(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / "month.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_a_row_has_the_features_that_a_policy_reads(tmp_path: Path) -> None:
    (row,) = read_workload(written(tmp_path, FULL))
    features = row.features
    assert (row.ts, row.request_id, row.asset) == (datetime(2026, 10, 1, 2, tzinfo=UTC), "poster/1", "poster")
    assert (features.operation, features.size, features.n) == (Operation.EDIT, Size(width=1536, height=1024), 2)
    assert (features.prompt_chars, features.prompt_bytes) == (17, 21)
    assert (features.text_chars, features.script) == (4, "greek")
    assert (features.importance, features.tags, features.deadline_s) == (None, {"campaign": "spring"}, 86_400)
    assert features.references == (REFERENCE,) * 3


def test_the_least_is_a_time_and_a_prompt_and_lines_are_sorted_by_time(tmp_path: Path) -> None:
    rows = read_workload(written(tmp_path, {**LEAST, "ts": "2026-10-02"}, "", LEAST))
    assert [(row.request_id, row.ts.day) for row in rows] == [("line 3", 1), ("line 1", 2)]


def test_only_what_asks_for_the_same_picture_of_the_same_asset_has_the_same_words(tmp_path: Path) -> None:
    different = (
        {"asset": "b"},
        {"prompt": "b"},
        {"n": 2},
        {"size": "1536x1024"},
        {"references": 1},
        {"quality": "low"},
    )
    rows = read_workload(
        written(tmp_path, LEAST, LEAST, {**LEAST, "importance": "final"}, *(LEAST | d for d in different))
    )
    words = [row.past.words for row in rows]
    assert words[0] == words[1] == words[2]
    assert len({*words}) == 1 + len(different)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "this is no JSON"),
        ("[]", "this is no JSON object"),
        ({**LEAST, "promt": "x"}, "unknown key 'promt' (did you mean 'prompt'?): known are ts, prompt, request_id"),
        ({"ts": "2026-10-01"}, "there is no prompt"),
        ({"prompt": "a fox", "ts": None}, "there is no ts"),
        ({**LEAST, "ts": "yesterday"}, "ts is a time like 2026-10-01T09:00:00+00:00, not 'yesterday'"),
        ({**LEAST, "prompt": ""}, "prompt is text, not ''"),
        ({**LEAST, "operation": "paint"}, "operation is generate or edit, not 'paint'"),
        ({**LEAST, "size": "large"}, "size is width x height, like 1536x1024, not 'large'"),
        ({**LEAST, "n": 0}, "n is a whole number of at least 1, not 0"),
        ({**LEAST, "n": True}, "n is a whole number of at least 1, not True"),
        ({**LEAST, "references": 1.5}, "references is a whole number of at least 0, not 1.5"),
        ({**LEAST, "tags": {"a": 1}}, "tags is an object of texts"),
        ({**LEAST, "deadline_h": 0}, "deadline_h is a number of hours, not 0"),
    ],
    ids=str,
)
def test_a_line_that_is_wrong_is_told_with_its_number_and_what_to_write(
    tmp_path: Path, line: dict[str, Any] | str, told: str
) -> None:
    with pytest.raises(RequestError) as wrong:
        read_workload(written(tmp_path, LEAST, line))
    assert str(wrong.value).startswith(f"{tmp_path}/month.jsonl:2: {told}")


def test_bytes_that_are_no_text_are_told_too(tmp_path: Path) -> None:
    path = tmp_path / "month.jsonl"
    path.write_bytes(b'{"ts": "2026-10-01", "prompt": "\xff"}')
    with pytest.raises(RequestError, match="no JSON"):
        read_workload(path)
