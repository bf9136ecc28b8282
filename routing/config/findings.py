"""What pydantic finds in a file, in words that help: what is wrong, and the way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from routing.config.scalars import shown
from routing.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.config.document import Path

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of `key: value`",
    "model_type": "a mapping of `key: value`",
    "model_attributes_type": "a mapping of `key: value`",
}
_HINTS = {
    "string_type": "put it in quotes",
    "bool_type": "write true or false, without quotes",
    "int_type": "write digits only, without quotes, _ or units",
}
_WORDS_OF_OTHERS = {
    "if": "when",
    "match": "when",
    "default": "importance",
    "min": "at_least",
    "max": "at_most",
    "equals": "one_of",
    "in": "one_of",
    "is": "one_of",
    "model": "use",
    "models": "use",
    "deployment": "use",
    "fallback": "on_failure",
    "fallbacks": "on_failure",
    "budget": "limit",
    "period": "window",
    "alerts": "alert_at",
}
"""What a key is called elsewhere -> what it is called here; looked at where the first is unknown and the second not."""


_SEVERAL_RULES = "write one rule for each: the first that matches counts"
_SIDE_BY_SIDE = "write the conditions side by side: all of one `when` must hold"
_NO_EXPRESSIONS = {"or": _SEVERAL_RULES, "any": _SEVERAL_RULES, "and": _SIDE_BY_SIDE, "all": _SIDE_BY_SIDE}


def in_words(detail: Any, model: type[BaseModel]) -> tuple[str, str]:  # noqa: ANN401 - its type lives in pydantic_core
    """Turn one finding into a message and a hint."""
    kind, path, value = detail["type"], detail["loc"], detail["input"]
    if kind in _KINDS:
        if kind in _HINTS and isinstance(value, list | dict):
            return f"{shown(value)} is not {_KINDS[kind]}", "write one value, without [ ], { } or `- `"
        hint = _HINTS.get(kind) or _shape_hint(kind, value, _annotation_at(model, path))
        return f"{shown(value)} is not {_KINDS[kind]}", hint
    if kind == "missing":
        return f"`{path[-1]}` is missing", _purpose(model, path)
    if kind == "extra_forbidden":
        return _say_unknown(str(path[-1]), _model_at(model, path[:-1]))
    if kind == "value_error":
        bad = detail["ctx"]["error"]
        return str(bad), getattr(bad, "hint", "")
    return _say_value(kind, detail)


def one_of(words: Sequence[str]) -> str:
    """Write alternatives as ``a, b or c``."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _shape_hint(kind: str, value: object, annotation: Any) -> str:  # noqa: ANN401 - an annotation has no common type
    if kind == "list_type":
        if isinstance(value, dict):
            return "put `- ` before it, or [ ] around it"
        return "write it as [one, two], or as lines that start with `- `"
    if get_origin(annotation) is dict:
        inner = _bare(get_args(annotation)[-1])
        return f"write a name for each: {{name: {_example(inner)}}}"
    return f"write {_example(annotation)}, or indented lines of `key: value`"


def _example(annotation: Any) -> str:  # noqa: ANN401 - as above
    """Show the form of a value: of a mapping the keys it must have, or its first."""
    if get_origin(annotation) is list:
        return "[...]"
    if not _is_model(annotation):
        return "..."
    fields = _fields(annotation)
    if "one_of" in fields:
        return "value"
    needed = [name for name, field in fields.items() if field.is_required()] or list(fields)[:1]
    return "{" + ", ".join(f"{name}: ..." for name in needed) + "}"


def _say_unknown(name: str, holder: type[BaseModel] | None) -> tuple[str, str]:
    fields = _fields(holder) if holder else {}
    meant = _WORDS_OF_OTHERS.get(name.lower(), "")
    guess = f" (did you mean {meant!r}?)" if meant in fields else did_you_mean(name, fields)
    hint = f"known are {', '.join(fields)}"
    around = next((key for key, field in fields.items() if name in _fields_below(field)), None)
    if around:
        return f"unknown key {shown(name)}", f"it stands inside `{around}`: {around}: {{{name}: ...}}"
    if name in _NO_EXPRESSIONS and "one_of" not in fields:
        return f"unknown key {shown(name)}", _NO_EXPRESSIONS[name]
    tags = fields.get("tags")
    takes_tags = tags is not None and get_origin(_bare(tags.annotation)) is dict
    if takes_tags and guess in ("", " (did you mean 'tags'?)"):
        return f"unknown key {shown(name)}", f"a tag is matched by tags: {{{name}: ...}}; {hint}"
    return f"unknown key {shown(name)}{guess}", hint


def _say_value(kind: str, detail: Any) -> tuple[str, str]:  # noqa: ANN401 - a finding of pydantic, as above
    context, value = detail.get("ctx", {}), detail["input"]
    if kind == "literal_error":
        words = re.findall(r"[^',\s]+", str(context.get("expected", "")).replace(" or ", " "))
        if str(value) in words:
            return f"{shown(value)} is text here", f"write {value}, without quotes"
        return f"{shown(value)} is not known here{did_you_mean(str(value), words)}", f"write {one_of(words)}"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if kind == "greater_than_equal" else f"at most {context['le']}"
        return f"{shown(value)} is out of range", f"write a whole number, {bound}"
    if kind in ("too_short", "string_too_short"):
        return "this is empty", "write at least one entry, or delete the key"
    if kind == "too_long":
        return f"more than {context['max_length']} entries", "no request has more; delete some"
    return f"this cannot be read ({detail['msg']})", ""


def _purpose(model: type[BaseModel], path: Path) -> str:
    """Say what a missing key is for, from its description."""
    holder = _model_at(model, path[:-1])
    field = _fields(holder).get(str(path[-1])) if holder else None
    if field is None or not field.description:
        return "add it"
    sentence = re.split(r"[.:] ", field.description)[0].rstrip(".")
    return f"add it: {sentence[0].lower()}{sentence[1:]}"


def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _fields_below(field: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a field of pydantic
    inner = _bare(field.annotation)
    return _fields(inner) if _is_model(inner) else {}


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    found = _annotation_at(model, path)
    return found if _is_model(found) else None


def _annotation_at(model: type[BaseModel], path: Path) -> Any:  # noqa: ANN401 - an annotation has no common type
    """Follow a path through the models' annotations."""
    here: Any = model
    for part in path:
        if _is_model(here):
            field = _fields(here).get(str(part))
            here = field.annotation if field else None
        elif get_origin(here) in (list, dict):
            here = get_args(here)[-1]
        here = _bare(here)
    return here


def _is_model(annotation: Any) -> bool:  # noqa: ANN401 - as above
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - as above
    """Take ``X | None`` and ``Annotated[X, ...]`` for ``X``."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    inner = [_bare(argument) for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) not in (list, dict) and len(inner) == 1:
        return inner[0]
    return annotation
