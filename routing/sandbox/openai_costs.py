"""OpenAI's costs endpoint: what an organization paid, by day, for those who hold an admin key."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from routing.sandbox.openai_errors import error, invalid, unauthorized
from routing.sandbox.prices import dollars
from routing.sandbox.vendor import Json, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from routing.sandbox.bill import Bill, Item
    from routing.sandbox.desk import Desk

__all__ = ["routes"]

ADMIN_KEY = "sk-admin-"
"""How admin keys begin; the keys that buy pictures may not look at costs."""

ONE = frozenset({"start_time", "end_time", "bucket_width", "limit", "page"})
MANY = frozenset({"group_by", "project_ids", "api_key_ids"})
GROUPS = ("project_id", "line_item", "api_key_id")
PROJECT = "proj_sandbox"
API_KEY = "key_sandbox"
MOST_BUCKETS = 180
USUAL_BUCKETS = 7
LAST_SECOND = 253_402_300_799  # the year 9999
DAY = timedelta(days=1)


def routes(desk: Desk) -> list[Route]:
    """The address."""

    async def costs(request: Request) -> Response:
        try:
            _authorize(request)
            return JSONResponse(_page(_query(request), desk.bill))
        except Refused as refused:
            return refused.answer.response()

    return [Route("/v1/organization/costs", costs, methods=["GET"])]


def _authorize(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else ""
    if not key or "invalid" in key:
        raise unauthorized(key)
    if not key.startswith(ADMIN_KEY):
        raise error(
            403,
            "You have insufficient permissions for this operation. Missing scopes: api.usage.read. Check that you have"
            " the correct role in your organization, and if you're using a restricted API key, that it has the"
            " necessary scopes.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked for: buckets of `first` to before `end`, at most `limit` of them."""

    first: date
    end: datetime
    groups: tuple[str, ...]
    limit: int


def _query(request: Request) -> Query:
    values: dict[str, str] = {}
    many: dict[str, list[str]] = {}
    for given, value in request.query_params.multi_items():
        name = given.removesuffix("[]")
        if name in MANY:
            many.setdefault(name, []).append(value)
        elif given not in ONE:
            raise invalid(f"Unknown parameter: '{given}'.", given, "unknown_parameter")
        elif name in values:
            raise invalid(f"Duplicate parameter: '{name}'.", name, "duplicate_parameter")
        else:
            values[name] = value
    if "start_time" not in values:
        raise invalid("Missing required parameter: 'start_time'.", "start_time", "missing_required_parameter")
    start = _integer("start_time", values["start_time"], 0, LAST_SECOND)
    end = _integer("end_time", values["end_time"], 0, LAST_SECOND) if "end_time" in values else None
    if end is not None and end <= start:
        raise invalid("Invalid 'end_time': must be greater than 'start_time'.", "end_time")
    if values.get("bucket_width", "1d") != "1d":
        raise invalid(f"Invalid value: '{values['bucket_width']}'. Supported values are: '1d'.", "bucket_width")
    for group in many.get("group_by", []):
        if group not in GROUPS:
            supported = ", ".join(f"'{known}'" for known in GROUPS)
            raise invalid(f"Invalid value: '{group}'. Supported values are: {supported}.", "group_by")
    first = datetime.fromtimestamp(start, UTC).date()
    return Query(
        first=_page_start(values["page"], first) if "page" in values else first,
        end=datetime.fromtimestamp(end, UTC) if end is not None else datetime.now(UTC),
        groups=tuple(many.get("group_by", ())),
        limit=_integer("limit", values["limit"], 1, MOST_BUCKETS) if "limit" in values else USUAL_BUCKETS,
    )


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit():
        raise invalid(
            f"Invalid type for '{name}': expected an integer, but got '{text}' instead.", name, "invalid_type"
        )
    if not least <= int(text) <= most:
        raise invalid(f"Invalid '{name}': expected a value between {least} and {most}, but got {text}.", name)
    return int(text)


def _cursor(day: date) -> str:
    return f"page_{base64.urlsafe_b64encode(day.isoformat().encode()).decode()}"


def _page_start(cursor: str, first: date) -> date:
    try:
        day = date.fromisoformat(base64.urlsafe_b64decode(cursor.removeprefix("page_")).decode())
    except (binascii.Error, ValueError):
        day = date.min
    if day <= first or cursor != _cursor(day):
        raise invalid("Invalid 'page': the cursor is not valid for this query.", "page")
    return day


def _page(query: Query, bill: Bill) -> Json:
    buckets: list[Json] = []
    day = query.first
    while _midnight(day) < query.end and len(buckets) < query.limit:
        items = {what: item for (on, vendor, what), item in bill.by_day.items() if (on, vendor) == (day, "openai")}
        buckets.append(
            {
                "object": "bucket",
                "start_time": int(_midnight(day).timestamp()),
                "end_time": int(_midnight(day + DAY).timestamp()),
                "results": _results(items, query.groups),
            }
        )
        day += DAY
    more = _midnight(day) < query.end
    return {"object": "page", "data": buckets, "has_more": more, "next_page": _cursor(day) if more else None}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _results(items: dict[str, Item], groups: Iterable[str]) -> list[Json]:
    if not items:
        return []
    groups = {*groups}
    # One project and one key: grouping by them names them, and splits nothing.
    same = {
        "project_id": PROJECT if "project_id" in groups else None,
        "api_key_id": API_KEY if "api_key_id" in groups else None,
    }
    if "line_item" not in groups:
        return [_result(sum(item.total_nusd for item in items.values()), line_item=None, quantity=None, **same)]
    return [
        _result(item.total_nusd, line_item=what, quantity=item.units, **same)
        for what, item in sorted(items.items())
        if item.units
    ]


def _result(nusd: int, **of: object) -> Json:
    return {
        "object": "organization.costs.result",
        "amount": {"value": float(dollars(nusd)), "currency": "usd"},
        **of,
    }
