"""What YAML's parser complains of, at the place where an editor has to change something, in words that help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

    Place = tuple[int, int]
    Complaint = tuple[Place, str, str]

_MEANINGS = (
    ("cannot start any token", "this character cannot start a value", "put the text in quotes"),
    ("did not find expected ',' or '}'", "a `{...}` is not closed, or lacks a comma", "check the line of its `{`"),
    ("did not find expected ',' or ']'", "a `[...]` is not closed, or lacks a comma", "check the line of its `[`"),
    ("did not find expected '-' indicator", "this does not belong to the list above", "check the indentation"),
    ("did not find expected key", "this does not belong to the mapping above", "check the indentation and the quotes"),
    ("block sequence entries are not allowed", "a list cannot start here", "put `- ` on a line of its own"),
    ("found unknown escape character", "an unknown \\ escape", "use 'single quotes' for text with \\"),
)
_COMPARISON = "a comparison is written {at_least: 3} or {at_most: 3}; text that starts with > or | needs quotes"
_GLUED = re.compile(r"\s*(- *)?[\w-]+:[^\s:/]")
"""``key:value``, which YAML takes for one word."""


def explain(error: yaml.YAMLError, text: str) -> Complaint:
    """Say where, what is wrong, and the way out."""
    lines = text.splitlines()
    place = _place(getattr(error, "problem_mark", None) or getattr(error, "context_mark", None))
    tab = _tab(_line(lines, place[0]), place[1])
    if tab:
        return (place[0], tab), "a tab cannot indent", "use spaces"
    complaint = str(getattr(error, "problem", None) or error)
    began = _place(getattr(error, "context_mark", None) or getattr(error, "problem_mark", None))
    for look in (_unclosed, _second_colon, _missing_colon, _comparison):
        found = look(complaint, place, began, lines)
        if found:
            return found
    for part, message, hint in _MEANINGS:
        if part in complaint:
            return place, message, hint
    return place, "this is not valid YAML", "check indentation, quotes and brackets around here"


def _unclosed(complaint: str, place: Place, began: Place, lines: list[str]) -> Complaint | None:
    """Point at what was opened and not closed, where the parser noticed only lines later."""
    if "found unexpected end of stream" in complaint:
        return began, "the quotation mark here is not closed", "close it; a ' inside 'single quotes' is written twice"
    for expected, opened, closed in (("',' or '}'", "{", "}"), ("',' or ']'", "[", "]")):
        if expected in complaint and began[0] < place[0]:
            where = f"line {place[0]}" if place[0] <= len(lines) else "the end of the file"
            hint = f"close it with `{closed}`, or add the comma that is missing before {where}"
            return began, f"the `{opened}` here is not closed", hint
    closing = _line(lines, place[0])[place[1] - 1 : place[1]]
    if closing in ("}", "]") and ("expected key" in complaint or "expected '-'" in complaint):
        return place, f"this `{closing}` closes nothing", "delete it, or add what should open it"
    return None


def _second_colon(complaint: str, place: Place, _began: Place, lines: list[str]) -> Complaint | None:
    line = _line(lines, place[0])
    before, at = line[: place[1] - 1], line[place[1] - 1 : place[1]]
    if "expected ',' or '}'" in complaint and at == ":":
        return (
            place,
            "a second `: ` in one value",
            "put a comma before it, or braces around an inner one: {tags: {kind: poster}}",
        )
    if "mapping values are not allowed" not in complaint:
        return None
    above = next((number for number in range(place[0] - 1, 0, -1) if _line(lines, number).strip()), 0)
    if _GLUED.match(_line(lines, above)):
        return _glued(above, lines)
    if re.fullmatch(r"\s*(- *)?[\w.-]+", before):
        hint = f"begin it below the word it belongs beside; does line {above} lack its `:`, or end too early?"
        return place, "this line does not fit below the one above", hint
    return place, "a second `: ` in one value", "put text with `: ` in quotes, and an inner mapping in braces"


def _missing_colon(complaint: str, _place: Place, began: Place, lines: list[str]) -> Complaint | None:
    if "could not find expected ':'" not in complaint:
        return None
    if _GLUED.match(_line(lines, began[0])):
        return _glued(began[0], lines)
    return began, "a `key: value` is expected", "is the `:` missing, or the space after it?"


def _glued(number: int, lines: list[str]) -> Complaint:
    column = _line(lines, number).index(":") + 1
    return (number, column), "the space after the `:` is missing", "write `key: value`"


def _comparison(complaint: str, place: Place, began: Place, lines: list[str]) -> Complaint | None:
    if "expected comment or line break" in complaint:
        return began, "text does not begin like this", _COMPARISON
    if "cannot start any token" in complaint and _line(lines, place[0])[place[1] - 1 : place[1]] in (">", "|"):
        return place, "this character cannot start a value", _COMPARISON
    return None


def _place(mark: Any) -> Place:  # noqa: ANN401 - PyYAML's marks have no common type in its stubs
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _tab(line: str, column: int) -> int:
    """Find a tab that indents a line, or stands where the parser stopped; 0 where there is none."""
    indents = "\t" in line[: len(line) - len(line.lstrip())]
    return line.index("\t") + 1 if indents or line[column - 1 : column] == "\t" else 0
