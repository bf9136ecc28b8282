"""What was saved against a baseline, as a table and as data, with everything it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.reports.amounts import number_of, readable, readable_column, readable_share
from routing.reports.exports import Column, Kind
from routing.reports.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from routing.core.savings import Savings, Sums

Row = tuple[tuple["date", str], "Sums"]


def savings_rows(savings: Savings, ranks: Sequence[str]) -> list[Row]:
    """Order the groups: by month, then least important first."""
    order = {name: place for place, name in enumerate(ranks)}
    return sorted(savings.groups.items(), key=lambda row: (row[0][0], order.get(row[0][1], -1), row[0][1]))


def savings_table(savings: Savings, ranks: Sequence[str]) -> Sheet:
    """Lay out month by month and importance what would have been spent, and what was."""
    rows, total = savings_rows(savings, ranks), savings.total
    every = [*(sums for _, sums in rows), total]
    would, spent, saved = (
        readable_column(amounts)
        for amounts in (
            [sums.would_nusd for sums in every],
            [sums.spent_nusd for sums in every],
            [sums.saved_nusd for sums in every],
        )
    )
    figures = [
        (f"{sums.images:,}", would[place], spent[place], saved[place], readable_share(sums.saved_nusd, sums.would_nusd))
        for place, sums in enumerate(every)
    ]
    return Sheet(
        columns=("month", "importance", "images", "would cost", "spent", "saved", "share"),
        rows=tuple(
            (f"{month:%Y-%m}", importance, *figures[place]) for place, ((month, importance), _) in enumerate(rows)
        ),
        total=("total", "", *figures[-1]),
    )


def savings_headline(savings: Savings) -> str:
    """Say it in one line."""
    total = savings.total
    share = readable_share(abs(total.saved_nusd), total.would_nusd)
    told = f"{readable(abs(total.saved_nusd))} {'less' if total.saved_nusd >= 0 else 'more'} than"
    return f"{told} {savings.baseline.name}{f' ({share})' if share else ''}"


def savings_notes(savings: Savings, zone: str) -> list[str]:
    """Say what went wrong and is part of what was spent, and what was left out, each only where there is some of it."""
    notes = [f"{told} of it {what}" for told, what in went_wrong(savings)]
    if savings.from_cache:
        images = number_of(savings.from_cache, "image")
        saved = readable(savings.saved_by_cache_nusd)
        notes.append(f"{images} came from the cache, on neither side; that saved {saved} besides")
    return [*notes, *left_out(savings), "", "This assumes:", *(f"- {line}" for line in assumptions(savings, zone))]


def went_wrong(savings: Savings) -> list[tuple[str, str]]:
    """Tell amounts that are part of what was spent and brought nothing, or may not have: each with its sentence."""
    total, told = savings.total, []
    if total.failed_nusd:
        told.append((readable(total.failed_nusd), "was charged for attempts that brought no picture"))
    if total.unconfirmed_nusd:
        told.append((readable(total.unconfirmed_nusd), "is unconfirmed: the vendor may not have charged it"))
    return told


def left_out(savings: Savings) -> list[str]:
    """Say which requests are on neither side, and why."""
    told = []
    if savings.partial.requests:
        told.append(
            f"Left out: {number_of(savings.partial.requests, 'request')} ({readable(savings.partial.spent_nusd)}) of"
            " which an older version wrote too little down."
        )
    if savings.unpriced.requests:
        told.append(
            f"Left out: {number_of(savings.unpriced.requests, 'request')} ({readable(savings.unpriced.spent_nusd)})"
            f" without a price at the baseline: {savings.why}."
        )
    if savings.archived:
        told.append(f"Left out: older requests that were moved to {', '.join(savings.archived)}.")
    return told


def assumptions(savings: Savings, zone: str) -> tuple[str, ...]:
    """Say in sentences what the figure rests on."""
    return (
        f"{savings.baseline.assumption}, in the size it was delivered in, at the expected price of its day.",
        "As many pictures would have been made: whoever has no cheap drafts may try less often, and saves less.",
        "All that was charged counts as spent: drafts thrown away, retries, failures, overruns, what is unconfirmed.",
        f"A request counts in the month it was made in ({zone}), with all that was charged or corrected later.",
    )


def savings_json(savings: Savings, ranks: Sequence[str], zone: str) -> dict[str, object]:
    """Plain values: every group and the total, amounts as exact decimal strings in USD."""
    return {
        "baseline": savings.baseline.name,
        "assumptions": list(assumptions(savings, zone)),
        "rows": [
            {"month": f"{month:%Y-%m}", "importance": importance, **_sums_json(sums)}
            for (month, importance), sums in savings_rows(savings, ranks)
        ],
        "total": _sums_json(savings.total),
        "left_out": {
            "partial": _left_out_json(savings.partial),
            "unpriced": {**_left_out_json(savings.unpriced), "why": savings.why},
        },
        "spent_usd": usd_text(savings.spent_nusd),
        "from_cache": savings.from_cache,
        "saved_by_cache_usd": usd_text(savings.saved_by_cache_nusd),
    }


SAVINGS: tuple[Column[Row], ...] = (
    Column(name="month", kind=Kind.TEXT, read=lambda row: f"{row[0][0]:%Y-%m}"),
    Column(name="importance", kind=Kind.TEXT, read=lambda row: row[0][1]),
    Column(name="requests", kind=Kind.COUNT, read=lambda row: row[1].requests),
    Column(name="images", kind=Kind.COUNT, read=lambda row: row[1].images),
    Column(name="would_cost_usd", kind=Kind.USD, read=lambda row: row[1].would_nusd),
    Column(name="spent_usd", kind=Kind.USD, read=lambda row: row[1].spent_nusd),
    Column(name="failed_usd", kind=Kind.USD, read=lambda row: row[1].failed_nusd),
    Column(name="unconfirmed_usd", kind=Kind.USD, read=lambda row: row[1].unconfirmed_nusd),
    Column(name="saved_usd", kind=Kind.USD, read=lambda row: row[1].saved_nusd),
)
"""The same as CSV."""


def _sums_json(sums: Sums) -> dict[str, object]:
    return {
        "requests": sums.requests,
        "images": sums.images,
        "would_cost_usd": usd_text(sums.would_nusd),
        "spent_usd": usd_text(sums.spent_nusd),
        "failed_usd": usd_text(sums.failed_nusd),
        "unconfirmed_usd": usd_text(sums.unconfirmed_nusd),
        "saved_usd": usd_text(sums.saved_nusd),
    }


def _left_out_json(sums: Sums) -> dict[str, object]:
    return {"requests": sums.requests, "images": sums.images, "spent_usd": usd_text(sums.spent_nusd)}
