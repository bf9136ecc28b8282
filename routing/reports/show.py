"""Everything about one request, in lines and as data. A prompt only where the ledger was told to keep prompts."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.entries import RESOLUTIONS, EntryKind
from routing.core.money import usd_text
from routing.core.prices import Usage, cost_of
from routing.reports.amounts import exact_usd, number_of
from routing.reports.assets import lineage
from routing.reports.budgets import counter_name
from routing.reports.plan import UNIT_WORDS, lines_json
from routing.reports.sheet import UNLIMITED, Sheet, fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from routing.core.charge import Charge
    from routing.core.entries import Entry, RequestRecord
    from routing.core.features import Features
    from routing.core.lineage import Asset
    from routing.core.prices import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A request with all that was written of it, in the order it was written.

    ``charges`` are those of its entries that spend counts. ``lines`` are the costs of an attempt taken apart, by the id
    of its reservation, as far as the price book of its day has them; ``per`` the tag of each budget that has one.
    ``archived_to`` is the file that its entries were moved to.
    """

    record: RequestRecord
    entries: tuple[Entry, ...]
    charges: tuple[Charge, ...]
    children: Sequence[str] = ()
    asset: Asset | None = None
    lines: Mapping[str, tuple[Line, ...]] = field(default_factory=lambda: MappingProxyType({}))
    per: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    zone: tzinfo = UTC
    archived_to: str = ""

    @property
    def cost_nusd(self) -> int:
        """What all of its attempts are charged now."""
        return sum(charge.charged_nusd for charge in self.charges)

    @property
    def held_nusd(self) -> int:
        """What is set aside now, for attempts that have not ended: no part of the cost."""
        ended = {entry.reservation_id for entry in self.entries if entry.kind in RESOLUTIONS}
        reserved = (entry for entry in self.entries if entry.kind is EntryKind.RESERVE)
        return sum(entry.amount_nusd for entry in reserved if entry.reservation_id not in ended)


def show_report(shown: Shown, width: int = UNLIMITED) -> list[str]:
    """Tell of a request in lines of at most ``width`` columns."""
    lines = [line for name, text in _facts(shown) for line in fact(name, text, width)]
    if shown.archived_to:
        lines += fact("archived", f"its entries were moved to {shown.archived_to}", width)
    if not shown.entries:
        return lines
    lines += ["", *_entries_sheet(shown).lines(width)]
    for entry in shown.entries:
        if entry.kind is EntryKind.SETTLE and entry.usage is not None:
            lines += ["", *_cost_lines(entry, shown.lines.get(entry.reservation_id, ()), width)]
    counters = dict.fromkeys(key for entry in shown.entries for key in entry.counters)
    if counters:
        names = (counter_name(key.budget, key.scope, key.below, shown.per.get(key.budget, "")) for key in counters)
        lines += ["", *fact("counts in", "; ".join(names), width)]
    return lines


def _facts(shown: Shown) -> list[tuple[str, str]]:
    record, features = shown.record, shown.record.features
    tags = ", ".join(f"{key} {value}" for key, value in sorted(features.tags.items()))
    return [
        ("request", f"{record.request_id}, {_moment(record.at, shown.zone)}"),
        ("importance", f"{record.importance}, {record.rule}"),
        ("policy", record.policy),
        ("asked for", _asked(features)),
        *([("prompt", record.prompt)] if record.prompt is not None else []),
        *([("tags", tags)] if tags else []),
        *([("asset", lineage(shown.asset) if shown.asset else record.asset)] if record.asset else []),
        *([("made from", _made_from(record))] if record.parent else []),
        *([("made again", ", ".join(shown.children))] if shown.children else []),
        *([("cost", _cost(shown))] if shown.entries else []),
    ]


def _made_from(record: RequestRecord) -> str:
    number = record.features.parent_picture
    return f"{record.parent}, its picture {number} as the first reference" if number else f"{record.parent}"


def _asked(features: Features) -> str:
    wishes = (
        number_of(features.n, "picture"),
        str(features.size) if features.size else "",
        f"quality {features.quality}" if features.quality else "",
        f"from {features.deployment}" if features.deployment else "",
        number_of(len(features.references), "reference") if features.references else "",
        f"{features.prompt_chars:,} characters of prompt",
        f"at most ${usd_text(features.max_price_nusd)}" if features.max_price_nusd is not None else "",
    )
    return f"{features.operation.value}, {', '.join(wish for wish in wishes if wish)}"


def _cost(shown: Shown) -> str:
    told = [exact_usd(shown.cost_nusd)]
    unconfirmed = sum(charge.charged_nusd for charge in shown.charges if charge.unconfirmed)
    saved = sum(charge.saved_nusd for charge in shown.charges)
    if unconfirmed:
        told.append(f"{exact_usd(unconfirmed)} of it unconfirmed")
    if saved:
        told.append(f"{exact_usd(saved)} saved by the cache")
    if shown.held_nusd:
        told.append(f"{exact_usd(shown.held_nusd)} held for a call under way")
    return ", ".join(told)


def _entries_sheet(shown: Shown) -> Sheet:
    rows = []
    for entry in shown.entries:
        attempt = entry.reservation_id.rpartition("/")[2]
        quality = f" at {entry.quality}" if entry.quality else ""
        told = (
            f"{entry.deployment}{quality}, {entry.size}" if entry.kind is EntryKind.RESERVE else "",
            f"{entry.images} pictures" if entry.images != 1 and entry.kind is not EntryKind.ADJUST else "",
            entry.basis.value if entry.basis else "",
            "unconfirmed" if entry.unconfirmed else "",
            "overrun" if entry.overrun else "",
            entry.reason,
            f"the vendor calls it {entry.vendor_request_id}" if entry.vendor_request_id else "",
        )
        what = ", ".join(part for part in told if part)
        at = _moment(entry.at, shown.zone)
        rows.append((at, attempt or "-", entry.kind.value, exact_usd(entry.amount_nusd), what))
    return Sheet(columns=("at", "attempt", "entry", "amount", "what"), rows=tuple(rows))


def _cost_lines(entry: Entry, lines: Sequence[Line], width: int) -> list[str]:
    """Take a charge apart; where the price book of its day says another sum, say that instead."""
    if entry.usage is None:
        return []
    if not lines:
        used = (f"{getattr(entry.usage, each.name):,} {each.name}" for each in fields(Usage))
        return fact("used", ", ".join(part for part in used if not part.startswith("0 ")), width)
    if cost_of(lines) != entry.amount_nusd:
        told = f"{exact_usd(cost_of(lines))} by the price book of today, charged was {exact_usd(entry.amount_nusd)}"
        return fact("used", told, width)
    return Sheet(
        columns=("for", "quantity", "USD a million", "USD"),
        rows=tuple(
            (UNIT_WORDS[line.unit], f"{line.quantity:,}", str(told["usd_per_million"]), str(told["amount_usd"]))
            for line, told in zip(lines, lines_json(lines), strict=True)
        ),
    ).lines(width)


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def show_json(shown: Shown) -> dict[str, object]:
    """Plain values of everything; amounts are exact decimal strings in USD."""
    record, features = shown.record, shown.record.features
    return {
        "request_id": record.request_id,
        "at": record.at.isoformat(),
        "importance": record.importance,
        "rule": record.rule,
        "policy": record.policy,
        "asset": record.asset,
        "parent": record.parent,
        "parent_picture": features.parent_picture,
        "children": list(shown.children),
        "tags": dict(features.tags),
        "operation": features.operation.value,
        "n": features.n,
        "size": str(features.size) if features.size else None,
        "quality": features.quality,
        "references": [str(size) for size in features.references],
        "prompt_chars": features.prompt_chars,
        "prompt_hash": record.prompt_hash,
        **({} if record.prompt is None else {"prompt": record.prompt}),
        "archived_to": shown.archived_to or None,
        "cost_usd": usd_text(shown.cost_nusd),
        "unconfirmed_usd": usd_text(sum(each.charged_nusd for each in shown.charges if each.unconfirmed)),
        "saved_usd": usd_text(sum(each.saved_nusd for each in shown.charges)),
        "held_usd": usd_text(shown.held_nusd),
        "lineage": lineage(shown.asset) if shown.asset else None,
        "entries": [_entry_json(entry, shown.lines.get(entry.reservation_id, ())) for entry in shown.entries],
    }


def _entry_json(entry: Entry, lines: Sequence[Line]) -> dict[str, object]:
    usage = entry.usage
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "kind": entry.kind.value,
        "attempt": entry.reservation_id or None,
        "amount_usd": usd_text(entry.amount_nusd),
        "deployment": entry.deployment,
        "model": entry.model,
        "size": entry.size,
        "quality": entry.quality,
        "images": entry.images,
        "basis": entry.basis.value if entry.basis else None,
        "unconfirmed": entry.unconfirmed,
        "overrun": entry.overrun,
        "reason": entry.reason,
        "vendor_request_id": entry.vendor_request_id,
        "usage": {each.name: getattr(usage, each.name) for each in fields(usage)} if usage else None,
        "lines": lines_json(lines) if usage and lines and cost_of(lines) == entry.amount_nusd else [],
        "counters": [
            {"budget": key.budget, "scope": key.scope, "below": key.below, "start": key.start.isoformat()}
            for key in entry.counters
        ],
    }
