"""A document through a pydantic model: what it says, and which of its parts cannot be used."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_origin

from pydantic import BaseModel, ValidationError, create_model

from routing.config.document import VALUES_AT_MOST
from routing.config.schema import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routing.config.document import Document, Path
    from routing.config.problems import Problems

Shape = TypeVar("Shape", bound=BaseModel)
Value = TypeVar("Value")

_EMPTY: dict[object, Any] = {list: list, dict: dict, str: str, int: int}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[Shape]):
    """A file as its model. Damaged parts read as empty, so that the rest can still be looked at."""

    file: Shape
    damaged: frozenset[Path]
    document: Document

    def whole(self, section: str) -> bool:
        """Tell whether nothing of a top-level section was left out."""
        return not any(path[:1] in ((section,), ()) for path in self.damaged)

    def entries(self, path: Path, values: Sequence[Value]) -> Iterator[tuple[int, Value]]:
        """Number the sound entries of a list by their places in the file."""
        sound = (at for at in range(VALUES_AT_MOST) if (*path, at) not in self.damaged)
        return zip(sound, values, strict=False)

    def names(self, section: str) -> list[str]:
        """List the keys of a section as written, damaged ones too: a name with a damaged entry is still declared."""
        data = self.document.data
        entries = data.get(section) if isinstance(data, dict) else None
        return list(entries) if isinstance(entries, dict) else []


def parse(problems: Problems, model: type[Shape]) -> Parsed[Shape]:
    """Read a document; every finding is noted, and what is sound is kept."""
    document = problems.document
    if not document.usable:
        return Parsed(file=_construct(model, {}), damaged=frozenset({()}), document=document)
    damaged = set()
    for path in _valueless(document.data):
        problems.error(path, "there is no value", _what_is_missing(path[-1]))
        damaged.add(_section(path, document))
    try:
        file = model.model_validate(document.data)
        if not damaged:
            return Parsed(file=file, damaged=frozenset(), document=document)
    except ValidationError as error:
        problems.take(error, model)
        damaged.update(_section(detail["loc"], document) for detail in error.errors(include_url=False))
    sound = _without(document.data, frozenset(damaged))
    return Parsed(file=_construct(model, sound), damaged=frozenset(damaged), document=document)


def _valueless(data: object) -> Iterator[Path]:
    """Find keys without a value: an optional one would else silently count as left out."""
    waiting: list[tuple[Path, object]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict | list):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend(((*path, key), below) for key, below in inner)
        elif value is None:
            yield path


def _what_is_missing(key: str | int) -> str:
    if isinstance(key, str) and re.fullmatch(r"[\d.]+", key):
        return "a comma begins a new entry here: write a number with a point and nothing else, like 1234.56"
    if isinstance(key, str) and " " in key:
        return "is the `:` inside it missing? Else write one, or delete the key"
    return "write one, or delete the key" if isinstance(key, str) else "write one, or delete the comma or the `-`"


_SECTIONS_OF_NAMES = ("importance", "tags")
"""Lists whose entries others refer to: a half one would make sound references look wrong."""


def _section(path: Path, document: Document) -> Path:
    """Say what has to go because of a finding: the smallest entry that a file can be read without."""
    if path[:1] and path[0] in _SECTIONS_OF_NAMES:
        return path[:1]
    variants = document.value(path[:2])
    return path[:3] if path[:1] == ("routes",) and isinstance(variants, list) else path[:2]


def _without(data: Any, damaged: frozenset[Path], path: Path = ()) -> Any:  # noqa: ANN401 - data of a file
    if isinstance(data, dict):
        items = ((key, (*path, key), value) for key, value in data.items())
        return {key: _without(value, damaged, inner) for key, inner, value in items if inner not in damaged}
    if isinstance(data, list):
        entries = (((*path, at), value) for at, value in enumerate(data))
        return [_without(value, damaged, inner) for inner, value in entries if inner not in damaged]
    return data


def _construct(model: type[Shape], sound: dict[str, Any]) -> Shape:
    """Validate what is there, and take empty values for what is not."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        optional = copy(field)
        optional.default, optional.default_factory = None, None
        optional.metadata = [rule for rule in field.metadata if not hasattr(rule, "min_length")]
        fields[name] = (field.annotation, optional)
    partial = create_model(f"Partial{model.__name__}", __base__=Strict, **fields)
    try:
        found = partial.model_validate(sound)
    except ValidationError as misfit:  # a part that only fits together with a damaged one goes with it
        parts = {detail["loc"][0] for detail in misfit.errors(include_url=False) if detail["loc"]}
        rest = {name: value for name, value in sound.items() if name not in parts}
        return _construct(model, rest if parts else {}) if sound else model.model_construct(**_empty(model, {}))
    return model.model_construct(**_empty(model, {name: getattr(found, name) for name in fields}))


def _empty(model: type[BaseModel], found: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for name, field in model.model_fields.items():
        values[name] = found.get(name)
        if values[name] is None:
            kind = get_origin(field.annotation) or field.annotation
            empty = _EMPTY.get(kind, int)
            values[name] = empty() if field.is_required() else field.get_default(call_default_factory=True)
    return values
