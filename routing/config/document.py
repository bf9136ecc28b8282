"""YAML text as plain data that remembers where each value stands.

Scalars are read by the core rules of YAML 1.2: only ``true``, ``false`` and ``null`` are words, so ``no``, ``on``,
``15:00`` and ``1_000`` stay text. Numbers keep the text they were written with; nothing passes through a binary float.
What the files do not need and what can be used to hide or to explode (anchors, aliases, merge keys, tags, several
documents) is refused; size, depth and number of values are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from routing.config.complaints import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_AT_MOST = 1_000_000
VALUES_AT_MOST = 20_000
ENTRIES_AT_MOST = 1_000
"""Of one list or mapping: rules and routes are compared with each other, which takes its time."""
DEPTH_AT_MOST = 16
DEFECTS_AT_MOST = 20
"""After so many structural defects the rest would only be echoes."""
NUMBER_CHARS_AT_MOST = 40
"""A longer run of digits is text: no amount, size or count needs it, and it could be made to cost minutes."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser where it was built in, else the same in Python."""

Path = tuple[str | int, ...]
"""The way to a value: keys and positions."""

Place = tuple[int, int]
"""Line and column, counted from 1."""


class Whole(int):
    """A whole number that remembers how it was written."""

    text: str = ""


class Exact(Decimal):
    """A decimal number, exactly as it was written."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing about the text itself that is wrong."""

    path: Path
    place: Place
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's data, the place of every value and key, and what is wrong with its text.

    ``usable`` is false where the defects leave no data worth looking at.
    """

    file: str
    data: object
    places: Mapping[Path, Place]
    keys: Mapping[Path, Place]
    defects: tuple[Defect, ...] = ()
    usable: bool = True

    def value(self, path: Path) -> object:
        """Look up a value; ``None`` where there is none."""
        here = self.data
        for part in path:
            if isinstance(here, dict):
                here = here.get(part)
            elif isinstance(here, list) and isinstance(part, int) and part < len(here):
                here = here[part]
            else:
                return None
        return here

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Find where a value (or its key) stands; of what is not there, its nearest parent."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def read_document(file: str, content: bytes) -> Document:
    """Read one YAML file; ``file`` is the name that problems are reported under. Never raises."""
    reader = _Reader()
    text = _decode(content, reader)
    if text is not None:
        reader.read(text)
    usable = not reader.broken
    if usable and not isinstance(reader.data, dict):
        found = "a list" if isinstance(reader.data, list) else "a single value"
        message = "the file is empty" if reader.data is None else f"the file holds {found}, not a mapping"
        reader.refuse((), (1, 1), message, "start with `version: 1`")
        usable = False
    return Document(
        file=file,
        data=reader.data if usable else {},
        places=reader.places,
        keys=reader.keys,
        defects=tuple(reader.defects),
        usable=usable,
    )


def _decode(content: bytes, reader: _Reader) -> str | None:
    if len(content) > BYTES_AT_MOST:
        size = f"the file has {len(content):,} bytes, more than {BYTES_AT_MOST:,}"
        reader.refuse((), (1, 1), size, "is it the right file?")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"byte 0x{content[error.start]:02x} is not UTF-8 text"
        reader.refuse((), _place_after(before), message, "save the file as UTF-8")
        return None
    hidden = _CONTROL.search(text)
    if hidden:
        message = f"a control character (U+{ord(hidden[0]):04X}) stands here"
        reader.refuse(
            (), _place_after(text[: hidden.start()]), message, "delete it; it may be invisible in your editor"
        )
        return None
    return text


_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _place_after(text: str) -> Place:
    return text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1


@dataclass(slots=True, kw_only=True)
class _Frame:
    """A mapping or a list that is being filled; ``key`` waits for its value."""

    path: Path
    into: dict[str, object] | list[object]
    key: str | None = None
    first_lines: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Walks the parser's events with a stack of its own, so that no depth of nesting can exhaust Python's."""

    def __init__(self) -> None:
        self.data: object = None
        self.places: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.defects: list[Defect] = []
        self.broken = False
        self._stack: list[_Frame] = []
        self._documents = 0

    def refuse(self, path: Path, place: Place, message: str, hint: str = "", *, fatal: bool = True) -> None:
        """Note a defect; a fatal one leaves the data unusable."""
        self.defects.append(Defect(path=path, place=place, message=message, hint=hint))
        self.broken = self.broken or fatal

    def read(self, text: str) -> None:
        """Read until the end or until nothing more can be learned."""
        try:
            for event in yaml.parse(text, Loader=LOADER):
                if len(self.defects) >= DEFECTS_AT_MOST or not self._take(event):
                    self.broken = True
                    return
        except yaml.YAMLError as error:
            self.refuse((), *explain(error, text))

    def _take(self, event: Any) -> bool:  # noqa: ANN401 - PyYAML's events have no common type in its stubs
        """Take one event; false where reading on makes no sense."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self.refuse(
                    (), _start(event), "a second document starts here", "keep one document in a file; delete `---`"
                )
                return False
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            return self._node(event)
        return True

    def _node(self, event: Any) -> bool:  # noqa: ANN401 - as above
        place = _start(event)
        frame = self._stack[-1] if self._stack else None
        if frame and isinstance(frame.into, dict) and frame.key is None:
            return self._key(frame, event, place)
        path = self._next_path(frame)
        if frame and len(frame.into) >= ENTRIES_AT_MOST:
            self.refuse(
                path, place, f"more than {ENTRIES_AT_MOST:,} entries in one list or mapping", "is it the right file?"
            )
            return False
        self._check_plain(event, path, place)
        self.places.setdefault(path, place)
        if len(self.places) > VALUES_AT_MOST:
            self.refuse((), place, f"more than {VALUES_AT_MOST:,} values", "is it the right file?")
            return False
        value = self._value(event)
        self._put(frame, value)
        if isinstance(value, dict | list):
            if len(self._stack) >= DEPTH_AT_MOST:
                self.refuse(path, place, f"nested more than {DEPTH_AT_MOST} levels deep", "nothing here needs that")
                return False
            self._stack.append(_Frame(path=path, into=value))
        return True

    def _key(self, frame: _Frame, event: Any, place: Place) -> bool:  # noqa: ANN401 - as above
        if not isinstance(event, yaml.ScalarEvent):
            hint = "a `{` or `[` at the start of a line, or `{{ }}` of a template?"
            self.refuse(frame.path, place, "a key must be a word, not a mapping, list or alias", hint)
            return False
        key = event.value
        path = (*frame.path, key)
        self._check_plain(event, path, place)
        if key == "<<" and _is_plain(event):
            self.refuse(path, place, "merge keys are not used here", "write the entries out")
        if key in frame.first_lines:
            first = frame.first_lines[key]
            hint = "keep one of the two" if first != place[0] else "both stand in this line; keep one of the two"
            self.refuse(path, place, f"key {key!r} comes twice; it stands in line {first} too", hint, fatal=False)
        frame.first_lines.setdefault(key, place[0])
        self.keys.setdefault(path, place)
        frame.key = key
        return True

    def _next_path(self, frame: _Frame | None) -> Path:
        if frame is None:
            return ()
        return (*frame.path, frame.key if frame.key is not None else len(frame.into))

    def _put(self, frame: _Frame | None, value: object) -> None:
        if frame is None:
            self.data = value
        elif isinstance(frame.into, list):
            frame.into.append(value)
        else:
            frame.into.setdefault(frame.key or "", value)  # of two equal keys the first counts until one is deleted
            frame.key = None

    def _check_plain(self, event: Any, path: Path, place: Place) -> None:  # noqa: ANN401 - as above
        if isinstance(event, yaml.AliasEvent):
            hint = "write the value out here; text that starts with * needs quotes"
            self.refuse(path, place, "aliases (*name) are not used here", hint)
        elif event.anchor is not None:
            hint = "write the value out where it is needed; text that starts with & needs quotes"
            self.refuse(path, place, "anchors (&name) are not used here", hint)
        elif event.tag is not None:
            self.refuse(path, place, "tags (!name) are not used here", "text that starts with ! needs quotes")

    @staticmethod
    def _value(event: Any) -> object:  # noqa: ANN401 - as above
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if isinstance(event, yaml.SequenceStartEvent):
            return []
        if isinstance(event, yaml.AliasEvent):
            return None
        return read_scalar(event.value) if _is_plain(event) else event.value


def _start(event: Any) -> Place:  # noqa: ANN401 - as above
    return event.start_mark.line + 1, event.start_mark.column + 1


def _is_plain(event: Any) -> bool:  # noqa: ANN401 - as above
    return event.style in (None, "") and event.tag is None


_WORDS: dict[str, object] = {"": None, "~": None} | {
    spelled: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelled in (word, word.capitalize(), word.upper())
}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


def read_scalar(text: str) -> object:
    """Read an unquoted word by the core rules of YAML 1.2; a number keeps its text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > NUMBER_CHARS_AT_MOST:
        return text
    if _WHOLE.fullmatch(text):
        whole = Whole(text, 0) if text[:2] in ("0o", "0x") else Whole(text)
        whole.text = text
        return whole
    if _DECIMAL.fullmatch(text):
        exact = Exact(text)
        exact.text = text
        return exact
    return text
