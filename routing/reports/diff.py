"""Two policies on the same requests: as tables, as Markdown for a pull request, and as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.difference import Group
from routing.core.money import usd_text
from routing.reports.amounts import number_of, readable_column
from routing.reports.budgets import counter_name
from routing.reports.sheet import NUMBERS, Sheet, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from routing.core.difference import Difference, Side
    from routing.core.replay import Choice, Passed

ROWS_AT_MOST = 20
"""How many rows of one kind a table lists; the data have all."""
NO_VALUE = "-"
NOWHERE = "no rule serves it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A difference and what it is of: ``source`` in words, whether that knows what was charged, tags of budgets."""

    difference: Difference
    source: str
    charged: bool
    per: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    sheet: Sheet
    left_out: str = ""


def diff_report(compared: Compared, width: int) -> list[str]:
    """Lay everything out for a terminal of so many columns."""
    heading = (" -> ".join(_policies(compared.difference)), *_heading(compared))
    lines = [folded for line in heading for folded in fold(line, width)]
    for section in _sections(compared):
        lines += ["", *section.sheet.lines(width), *([section.left_out] if section.left_out else [])]
    notes = [folded for note in _notes(compared) for folded in fold(note, width)]
    return [*lines, *(["", *notes] if notes else [])]


def diff_markdown(compared: Compared) -> str:
    """Write it for a comment on a pull request."""
    before, after = (f"`{_plain(name)}`" for name in _policies(compared.difference))
    lines = [f"### Policy: {before} → {after}", "", f"**{_headline(compared.difference)}**", ""]
    lines += [_escaped(" ".join(_heading(compared))), ""]
    for section in _sections(compared):
        lines += [*_markdown_table(section.sheet), ""]
        lines += [section.left_out, ""] if section.left_out else []
    lines += [f"- {_escaped(note)}" for note in _notes(compared)]
    return "\n".join(lines).rstrip()


def diff_json(compared: Compared) -> dict[str, object]:
    """Plain values of everything; amounts are exact decimal strings in USD."""
    found = compared.difference
    return {
        "before": _side_json(found.before),
        "after": _side_json(found.after),
        "difference_usd": usd_text(found.after.expected_nusd - found.before.expected_nusd),
        "charged_usd": usd_text(found.charged_nusd) if compared.charged else None,
        "source": compared.source,
        "first_at": found.first_at.isoformat() if found.first_at else None,
        "last_at": found.last_at.isoformat() if found.last_at else None,
        "requests": found.requests,
        "images": found.images,
        "moved": found.moved,
        "failed": found.failed,
        "partial": found.partial,
        "by": {name: [_group_json(group, compared) for group in groups] for name, groups in found.groups.items()},
        "moves": [
            {
                "before": _choice_json(move.before),
                "after": _choice_json(move.after),
                "requests": move.requests,
                "request_id": move.request_id,
                **_amounts_json(move.before_nusd, move.after_nusd),
            }
            for move in found.moves
        ],
    }


def _side_json(side: Side) -> dict[str, object]:
    return {
        "policy": side.policy,
        "expected_usd": usd_text(side.expected_nusd),
        "at_most_usd": usd_text(side.price_nusd),
        "from_cache_usd": usd_text(side.saved_nusd),
        "without_cache_usd": usd_text(side.expected_nusd + side.saved_nusd),
        "within_budgets_usd": usd_text(side.within_nusd),
        "served": side.served,
        "cached": side.cached,
        "budgets": [_passed_json(passed) for passed in side.passed],
        "unserved": [
            {
                "error": each.error,
                "message": each.words,
                "requests": each.requests,
                "request_id": each.request_id,
            }
            for each in side.unserved
        ],
        "unread": {"requests": side.unread, "rules": list(side.unread_by)},
    }


def _passed_json(passed: Passed) -> dict[str, object]:
    return {
        "budget": passed.key.budget,
        "scope": passed.key.scope,
        "below": passed.key.below,
        "start": passed.key.start.isoformat(),
        "limit_usd": usd_text(passed.limit_nusd),
        "at": passed.at.isoformat(),
        "request_id": passed.request_id,
        "downgraded": passed.downgraded,
        "refused": passed.refused,
    }


def _group_json(group: Group, compared: Compared) -> dict[str, object]:
    charged = {"charged_usd": usd_text(group.charged_nusd)} if compared.charged else {}
    return {
        "value": group.value,
        **_amounts_json(group.before_nusd, group.after_nusd),
        **charged,
        "before_requests": group.before_requests,
        "after_requests": group.after_requests,
    }


def _amounts_json(before: int, after: int) -> dict[str, str]:
    return {"before_usd": usd_text(before), "after_usd": usd_text(after), "difference_usd": usd_text(after - before)}


def _choice_json(choice: Choice | None) -> dict[str, str | None] | None:
    if choice is None:
        return None
    return {**choice._asdict(), "size": str(choice.size)}


# --- What tables and Markdown show ------------------------------------------------------------------------------------


def _policies(found: Difference) -> tuple[str, str]:
    return found.before.policy, found.after.policy


def _headline(found: Difference) -> str:
    before, after = found.before.expected_nusd, found.after.expected_nusd
    amounts = " → ".join(readable_column([before, after]))
    change = f" ({readable_change(before, after)})" if before else ""
    return f"{amounts} expected: {_signed([after - before])[0]}{change}"


def _heading(compared: Compared) -> list[str]:
    found = compared.difference
    span = f", {found.first_at:%Y-%m-%d} to {found.last_at:%Y-%m-%d}" if found.first_at and found.last_at else ""
    asked = f"{number_of(found.requests, 'request')} for {number_of(found.images, 'image')}"
    return [
        f"{asked} from {compared.source}{span}; {found.moved:,} would go elsewhere.",
        "At the prices of their days, with every deployment counted as having its key.",
    ]


def _sections(compared: Compared) -> list[_Section]:
    found = compared.difference
    sections = [_Section(sheet=_money(compared))]
    sections += [_groups(name, groups, compared) for name, groups in found.groups.items() if groups]
    if found.moves:
        sections.append(_moves(found))
    if found.before.passed or found.after.passed:
        sections.append(_budgets(compared))
    if found.before.unserved or found.after.unserved:
        sections.append(_unserved(found))
    return sections


def _money(compared: Compared) -> Sheet:
    found = compared.difference
    rows = {"expected": _both(found, lambda side: side.expected_nusd)}
    if found.before.saved_nusd or found.after.saved_nusd:
        rows["without the cache"] = _both(found, lambda side: side.expected_nusd + side.saved_nusd)
    if found.before.passed or found.after.passed:
        rows["within the budgets"] = _both(found, lambda side: side.within_nusd)
    rows["held at most"] = _both(found, lambda side: side.price_nusd)
    amounts = list(rows.values())
    columns = [readable_column(before for before, _ in amounts), readable_column(after for _, after in amounts)]
    differences = _signed(after - before for before, after in amounts)
    changes = [readable_change(before, after) for before, after in amounts]
    cells = list(zip(rows, *columns, differences, changes, strict=True))
    if compared.charged:
        cells.append(("charged then", *readable_column([found.charged_nusd]), "", "", ""))
    return Sheet(columns=("money", "before", "after", "difference", "change"), rows=tuple(cells))


def _both(found: Difference, amount: Callable[[Side], int]) -> tuple[int, int]:
    return amount(found.before), amount(found.after)


def _groups(name: str, groups: Sequence[Group], compared: Compared) -> _Section:
    total = Group(
        value="total",
        before_requests=sum(group.before_requests for group in groups),
        after_requests=sum(group.after_requests for group in groups),
        before_nusd=sum(group.before_nusd for group in groups),
        after_nusd=sum(group.after_nusd for group in groups),
        charged_nusd=sum(group.charged_nusd for group in groups),
    )
    lines = [*groups[:ROWS_AT_MOST], total]
    columns = {name: [group.value or NO_VALUE for group in lines]}
    if compared.charged:
        columns["charged"] = readable_column(group.charged_nusd for group in lines)
    columns |= {
        "before": readable_column(group.before_nusd for group in lines),
        "after": readable_column(group.after_nusd for group in lines),
        "difference": _signed(group.after_nusd - group.before_nusd for group in lines),
        "change": [readable_change(group.before_nusd, group.after_nusd) for group in lines],
        "requests": [_from_to(group.before_requests, group.after_requests) for group in lines],
    }
    *rows, last = zip(*columns.values(), strict=True)
    sheet = Sheet(columns=tuple(columns), rows=tuple(rows), total=last)
    return _Section(sheet=sheet, left_out=_left_out(len(groups)))


def _moves(found: Difference) -> _Section:
    shown = found.moves[:ROWS_AT_MOST]
    rows = zip(
        (choice_words(move.before) for move in shown),
        (choice_words(move.after) for move in shown),
        (f"{move.requests:,}" for move in shown),
        readable_column(move.before_nusd for move in shown),
        readable_column(move.after_nusd for move in shown),
        _signed(move.after_nusd - move.before_nusd for move in shown),
        strict=True,
    )
    return _Section(
        sheet=Sheet(columns=("from", "to", "requests", "before", "after", "difference"), rows=tuple(rows)),
        left_out=_left_out(len(found.moves)),
    )


def _budgets(compared: Compared) -> _Section:
    found = compared.difference
    passed = [(word, each) for word, side in _sides(found) for each in side.passed]
    shown = passed[:ROWS_AT_MOST]
    rows = tuple(
        (
            counter_name(each.key.budget, each.key.scope, each.key.below, compared.per.get(each.key.budget, "")),
            word,
            limit,
            f"{each.at:%Y-%m-%d %H:%M}",
            f"{each.downgraded:,}",
            f"{each.refused:,}",
        )
        for (word, each), limit in zip(shown, readable_column(each.limit_nusd for _, each in shown), strict=True)
    )
    columns = ("budget without room", "policy", "limit", "from", "downgraded", "refused")
    return _Section(sheet=Sheet(columns=columns, rows=rows), left_out=_left_out(len(passed)))


def _unserved(found: Difference) -> _Section:
    unserved = [(word, each) for word, side in _sides(found) for each in side.unserved]
    rows = tuple(
        (f"{each.error}: {each.words}", word, f"{each.requests:,}", each.request_id)
        for word, each in unserved[:ROWS_AT_MOST]
    )
    columns = ("no rule can serve it", "policy", "requests", "for example")
    return _Section(sheet=Sheet(columns=columns, rows=rows), left_out=_left_out(len(unserved)))


def _sides(found: Difference) -> tuple[tuple[str, Side], tuple[str, Side]]:
    return ("before", found.before), ("after", found.after)


def _notes(compared: Compared) -> list[str]:
    found = compared.difference
    notes = []
    if found.before.cached or found.after.cached:
        cached = _from_to(found.before.cached, found.after.cached)
        notes.append(f"{cached} of {found.requests:,} requests come from the cache: they cost nothing")
    if not found.before.passed and not found.after.passed:
        notes.append("no budget would have been passed")
    of_all = f"of {found.requests:,} requests"
    if found.failed:
        notes.append(
            f"{found.failed:,} {of_all} brought neither picture nor charge then: they cost nothing here either"
        )
    if found.partial:
        notes.append(
            f"{found.partial:,} {of_all} were written by an older version: a quality, a parameter or a price cap that"
            " they asked for is not known, and their references are taken to be 1024x1024"
        )
    return notes + _unread_notes(found, of_all)


def _unread_notes(found: Difference, of_all: str) -> list[str]:
    notes = {
        side.policy: f"whether {' or '.join(side.unread_by)} would refuse {side.unread:,} {of_all} is not known: that"
        " asks for the words of prompts, and those were not kept. Here they count as let through; `keep_prompts: true`"
        " under `ledger:` keeps the words from then on"
        for _, side in _sides(found)
        if side.unread
    }
    return list(notes.values())


# --- Words and amounts ------------------------------------------------------------------------------------------------


def choice_words(choice: Choice | None) -> str:
    """Read as ``draft: gpt-image-2 low, 1024x1024``."""
    if choice is None:
        return NOWHERE
    quality = f" {choice.quality}" if choice.quality else ""
    return f"{choice.importance}: {choice.deployment}{quality}, {choice.size}"


def readable_change(before: int, after: int) -> str:
    """Write a change in percent: ``-48.1 %``; empty where there was nothing before."""
    if not before:
        return ""
    return f"{100 * (after - before) / before:+.1f} %" if after != before else "0.0 %"


def _signed(amounts: Iterable[int]) -> list[str]:
    """Write differences with their signs: ``+$0.0059``, ``-$93.01``, ``$0.00``."""
    amounts = list(amounts)
    signs = ["-" if amount < 0 else "+" if amount else "" for amount in amounts]
    return [f"{sign}{text}" for sign, text in zip(signs, readable_column(map(abs, amounts)), strict=True)]


def _from_to(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} -> {after:,}"


def _left_out(count: int) -> str:
    return f"{count - ROWS_AT_MOST:,} more: --json lists all" if count > ROWS_AT_MOST else ""


_MEANT = re.compile(r"[\\`*_{}\[\]<>|~&$]")
"""What Markdown or HTML would read as something else than itself."""
_CALLS = re.compile(r"[@#]")
"""What would call a person or another issue."""


def _escaped(text: str) -> str:
    told = (_CALLS.sub(r"\g<0><!-- -->", part) for part in re.split(f"({_MEANT.pattern})", " ".join(text.split())))
    return "".join(f"&#{ord(part)};" if _MEANT.fullmatch(part) else part for part in told)


def _plain(text: str) -> str:
    """Leave out what would end a code span."""
    return " ".join(text.replace("`", "").split())


def _markdown_table(sheet: Sheet) -> list[str]:
    numbers = [name in NUMBERS for name in sheet.columns]

    def line(row: Sequence[str], around: str = "") -> str:
        cells = (cell if number else _escaped(cell) for cell, number in zip(row, numbers, strict=True))
        return f"| {' | '.join(f'{around}{cell}{around}' if cell else '' for cell in cells)} |"

    rule = f"| {' | '.join('---:' if number else '---' for number in numbers)} |"
    return [line(sheet.columns), rule, *map(line, sheet.rows), *([line(sheet.total, "**")] if sheet.total else [])]
