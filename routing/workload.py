"""A month of requests in a file, one JSON object a line: what would be asked for, and when."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from routing.core.features import Features
from routing.core.past import Past
from routing.core.picture import Size
from routing.core.quoted import quoted_text, script_of
from routing.core.request import NO_TAGS, Operation
from routing.core.suggest import did_you_mean
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

REFERENCE = Size(width=1024, height=1024)
"""What a reference is taken to measure: a workload only says how many there are."""
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request of a workload. ``ts`` is in UTC; ``references`` are counted; ``deadline_h`` is in hours from ``ts``.

    ``importance`` is ``None`` where the policy must sort it; ``expected_importance`` is what it should come to.
    """

    ts: datetime
    prompt: str
    request_id: str
    asset: str | None = None
    parent: str | None = None
    operation: Operation = Operation.GENERATE
    importance: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    size: Size | None = None
    quality: str | None = None
    n: int = 1
    deadline_h: float | None = None
    references: int = 0
    expected_importance: str | None = None

    @property
    def features(self) -> Features:
        """Read it the way a policy does."""
        words = quoted_text(self.prompt)
        return Features(
            prompt_chars=len(self.prompt),
            prompt_bytes=len(self.prompt.encode()),
            text_chars=len(words),
            script=script_of(words),
            importance=self.importance,
            operation=self.operation,
            tags=self.tags,
            size=self.size,
            quality=self.quality,
            n=self.n,
            references=(REFERENCE,) * self.references,
            deadline_s=None if self.deadline_h is None else self.deadline_h * SECONDS_AN_HOUR,
        )

    @property
    def past(self) -> Past:
        """Take it for a request of the past.

        The references of an edit are the asset's own pictures: the same words for another asset buy another picture.
        """
        words = (self.asset, self.operation, self.prompt, self.size, self.quality, self.n, self.references)
        return Past(
            request_id=self.request_id,
            at=self.ts,
            features=self.features,
            asset=self.asset,
            words=words,
            prompt=self.prompt,
        )


def read_workload(path: Path) -> list[Row]:
    """Read a workload, in order of time.

    Raises:
        RequestError: where the file cannot be read, and for a line that is no such object, with its number and what to
            write.

    """
    rows = []
    with _opened(path) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    rows.append(_row(line, number))
                except ValueError as wrong:
                    raise RequestError(f"{path}:{number}: {wrong}") from None
    return sorted(rows, key=lambda row: row.ts)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as lines:
            yield lines
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise RequestError(
            f"the workload {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error


def _row(line: bytes, number: int) -> Row:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as wrong:
        raise ValueError(f"this is no JSON ({wrong}): write one object a line") from None
    if not isinstance(given, dict):
        raise ValueError("this is no JSON object: write one a line")  # noqa: TRY004 - the caller's file is wrong, not a type
    for name in given:
        if name not in _KEYS:
            raise ValueError(f"unknown key {name!r}{did_you_mean(name, _KEYS)}: known are {', '.join(_KEYS)}")
    for name in ("ts", "prompt"):
        if given.get(name) is None:
            raise ValueError(f"there is no {name}: each request has a time `ts` and a `prompt`")
    read = {name: _read(name, value) for name, value in given.items() if value is not None}
    return Row(**{"request_id": f"line {number}", **read})


def _read(name: str, value: object) -> Any:  # noqa: ANN401 - what the field of that name holds
    read, told = _READERS.get(name, (_text, "text"))
    found = read(value)
    if found is None:
        raise ValueError(f"{name} is {told}, not {value!r}")
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _operation(value: object) -> Operation | None:
    return next((each for each in Operation if each.value == value), None)


def _size(value: object) -> Size | None:
    return Size.parse(value) if isinstance(value, str) else None


def _tags(value: object) -> Mapping[str, str] | None:
    return value if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()) else None


def _whole(at_least: int) -> Callable[[object], int | None]:
    def read(value: object) -> int | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and value >= at_least else None  # type: ignore[operator,return-value] # an int, then

    return read


def _hours(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


_READERS: dict[str, tuple[Callable[[object], object], str]] = {
    "ts": (_time, "a time like 2026-10-01T09:00:00+00:00"),
    "operation": (_operation, "generate or edit"),
    "size": (_size, "width x height, like 1536x1024"),
    "tags": (_tags, 'an object of texts, like {"campaign": "spring"}'),
    "n": (_whole(1), "a whole number of at least 1"),
    "references": (_whole(0), "a whole number of at least 0"),
    "deadline_h": (_hours, "a number of hours"),
}
_KEYS = tuple(each.name for each in fields(Row))
