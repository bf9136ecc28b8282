"""Which column of a bill says what: the names that vendors use, and the reader's own words for others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.bills.cells import Defect
from routing.core.suggest import did_you_mean
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAMES: Mapping[str, tuple[str, ...]] = {
    "request_id": (
        "request_id",
        "x_request_id",
        "vendor_request_id",
        "openai_request_id",
        "generation_id",
        "response_id",
        "id",
    ),
    "model": ("model", "model_name", "model_id", "model_version", "endpoint_id", "endpoint", "line_item", "sku"),
    "amount": (
        "amount_usd",
        "cost_usd",
        "total_usd",
        "price_usd",
        "charge_usd",
        "amount_in_usd",
        "cost_in_usd",
        "amount_value",
        "cost_value",
        "amount",
        "cost",
        "total_cost",
        "total",
        "price",
        "charge",
    ),
    "time": (
        "created_at",
        "created",
        "timestamp",
        "charged_at",
        "started_at",
        "start_time_iso",
        "start_time",
        "time",
        "usage_date",
        "date",
        "day",
    ),
    "currency": ("currency", "amount_currency", "cost_currency", "billing_currency"),
}
"""Field -> names its column may have, the first that is there being taken. To know another is one word here."""

FIELDS = tuple(NAMES)
NEEDED = ("amount",)
IDENTIFYING = ("request_id", "model")
"""Without one of them nobody can tell what a line is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The column of each field, by its name in the file; a field without one is left out."""

    of: Mapping[str, str]

    def __str__(self) -> str:
        """Tell what was read from where."""
        return ", ".join(name if name == field else f"{field} from {name!r}" for field, name in self.of.items())


def plain_name(name: str) -> str:
    """Write a column's name in small letters and underscores: ``Total (USD)`` -> ``total_usd``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def read_choices(given: Iterable[str]) -> dict[str, str]:
    """Read ``--column amount="Total (USD)"``; an empty name leaves a field out.

    Raises:
        RequestError: for what is not of this form, or names a field there is not.

    """
    choices = {}
    for each in given:
        field, sign, name = each.partition("=")
        field = field.strip()
        if not sign or field not in NAMES:
            told = did_you_mean(field, FIELDS) if sign else ""
            raise RequestError(
                f'{each!r} chooses no column{told}: write it like amount="Total (USD)"; fields are {", ".join(FIELDS)}'
            )
        choices[field] = name.strip()
    return choices


def find_columns(header: Sequence[str], choices: Mapping[str, str]) -> Columns | Defect:
    """Find the column of each field, ``choices`` first; or say what is missing."""
    by_plain_name: dict[str, str] = {}
    for name in header:
        by_plain_name.setdefault(plain_name(name), name)
    of = {}
    for field, names in NAMES.items():
        if field in choices:
            wanted = choices[field]
            if wanted and wanted not in header and plain_name(wanted) not in by_plain_name:
                return Defect(f"there is no column {wanted!r}{did_you_mean(wanted, header)}", _told(header))
            found = wanted if wanted in header else by_plain_name.get(plain_name(wanted))
        else:
            found = next((by_plain_name[name] for name in names if name in by_plain_name), None)
        if found:
            of[field] = found
    missing = next((field for field in NEEDED if field not in of), None)
    if missing is None and not any(field in of for field in IDENTIFYING):
        missing = "model"
    if missing:
        return Defect(f"no column is known as the {missing}", f'name it with --column {missing}="..."; {_told(header)}')
    return Columns(of=of)


def _told(header: Sequence[str]) -> str:
    shown = [repr(name) for name in header[:20]]
    return f"the columns are {', '.join(shown)}{' and more' if len(header) > len(shown) else ''}"
