"""Collecting what is wrong, each at its place, without repeating a key that was written into a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.config.findings import in_words
from routing.config.scalars import shown
from routing.core.suggest import did_you_mean
from routing.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydantic import BaseModel, ValidationError

    from routing.config.document import Document, Path

PROBLEMS_AT_MOST = 100
"""Of one file; who has more has one cause."""

KEY_ADVICE = "write it into an environment variable and name that, like `api_key_env: OPENAI_API_KEY`"
_KEY_FIELDS = re.compile(r"(?i)^(api[_-]?)?(key|secret|token|password)$|^(access|secret|auth)[_-]?(key|token)$")
_KEY_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])("
    r"sk-[A-Za-z0-9_-]{8,}"  # OpenAI and many who followed
    r"|(xai|gsk|r8|pk|rk|sk)[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"  # xAI, Groq, Replicate, Stripe
    r"|AIza[A-Za-z0-9_-]{20,}"  # Google
    r"|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[A-Z0-9]{12,}|eyJ[A-Za-z0-9_-]{20,}"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[0-9a-f]{16,})?"  # fal: a UUID and a secret
    r"|(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,}"
    r")"
)
_TOKEN = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_TURNS = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
_CHARS_PER_TURN = 4
"""Random text changes between small, capital and digit more often than this; CamelCase words do not."""
HIDDEN = "(hidden)"


def looks_like_key(text: str) -> bool:
    """Tell whether a text could be a vendor's key: a known beginning, or a long run of mixed characters."""
    return bool(_KEY_SHAPES.search(text)) or any(_is_random(run) for run in _TOKEN.findall(text))


def _is_random(run: str) -> bool:
    return len(_TURNS.findall(run)) * _CHARS_PER_TURN >= len(run)


def without_keys(text: str) -> str:
    """Hide whatever looks like a key."""
    return _TOKEN.sub(lambda run: HIDDEN if _is_random(run[0]) else run[0], _KEY_SHAPES.sub(HIDDEN, text))


def path_text(path: Path) -> str:
    """Write a path as ``routes.draft[0].use``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return text if len(text) <= 120 else text[:117] + "..."  # noqa: PLR2004 - a path is a signpost, not the place


class Problems:
    """The problems of one document, one for each place and message."""

    def __init__(self, document: Document) -> None:
        """Begin with what is wrong with the text itself, and with keys written into it."""
        self.document = document
        self._found: dict[tuple[int, int, str], Problem] = {}
        self._keys: set[Path] = set()
        for defect in document.defects:
            self._add(defect.path, defect.place, defect.message, defect.hint, "error")
        for path, value, is_name in _texts(document.data):
            if looks_like_key(value) or (value and not is_name and _KEY_FIELDS.match(str(path[-1]))):
                self._keys.add(path)
                self.error(path, "this looks like an API key", KEY_ADVICE, key=is_name)

    def error(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        """Note what makes the file unusable; ``key`` points at the key instead of its value."""
        path = self._written(path)
        self._add(path, self.document.place(path, key=key), message, hint, "error")

    def warn(self, path: Path, message: str, hint: str = "") -> None:
        """Note what will or may go wrong."""
        path = self._written(path)
        self._add(path, self.document.place(path), message, hint, "warning")

    def unknown(  # noqa: PLR0913 - each is a part of the message
        self, path: Path, what: str, name: str, known: Collection[str], *, where: str = "declared", key: bool = False
    ) -> None:
        """Note a name that is none of those that are ``known``; ``where`` says where these stand."""
        hint = f"{where} are {', '.join(known)}" if known else f"there are no {what}s"
        self.error(path, f"unknown {what} {shown(name)}{did_you_mean(name, known)}", hint, key=key)

    def take(self, error: ValidationError, model: type[BaseModel]) -> None:
        """Note every finding of pydantic; a key without a value has been noted before."""
        for detail in error.errors(include_url=False):
            path: Path = detail["loc"]
            at_key = detail["type"] == "extra_forbidden"
            if detail["input"] is None and not at_key:
                continue
            if path and path[-1] == "[key]":  # pydantic's mark for the key of a mapping
                path, at_key = path[:-1], True
            # A key written into the file has been reported; a finding at its place would only repeat it.
            if not any(path[: len(known)] == known for known in self._keys):
                message, hint = in_words(detail, model)
                self.error(path, message, hint, key=at_key)

    def _written(self, path: Path) -> Path:
        """Leave off the parts that reading added and the file does not have."""
        if path not in self.document.places and path[-2:-1] == ("one_of",):
            path = (*path[:-2], path[-1])  # a list of alternatives has no word for it in its short form
        while path and path not in self.document.places:
            path = path[:-1]
        return path

    def all(self) -> list[Problem]:
        """List the problems in the order of their places."""
        found = sorted(self._found.values(), key=lambda problem: (problem.line, problem.column))
        return found[:PROBLEMS_AT_MOST]

    @property
    def errors(self) -> bool:
        """Whether anything makes the file unusable."""
        return any(problem.severity == "error" for problem in self._found.values())

    def _add(self, path: Path, place: tuple[int, int], message: str, hint: str, severity: str) -> None:
        problem = Problem(
            file=self.document.file,
            line=place[0],
            column=place[1],
            path=without_keys(path_text(path)),
            message=without_keys(message),
            hint=without_keys(hint),
            severity=severity,
        )
        self._found.setdefault((*place, problem.message), problem)


def _texts(data: object) -> Iterator[tuple[Path, str, bool]]:
    """Walk every text of a document: path, text, and whether it is the name of an entry."""
    waiting: list[tuple[Path, object]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                yield (*path, key), key, True
                waiting.append(((*path, key), inner))
        elif isinstance(value, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(value))
        elif isinstance(value, str) and path:
            yield path, value, False
