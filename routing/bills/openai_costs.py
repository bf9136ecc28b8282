"""What OpenAI says an organization paid, by day: its costs endpoint, which needs an admin key.

https://platform.openai.com/docs/api-reference/usage/costs, as of 2026-11. Sums come as JSON numbers; they are read from
their text, never through a float, and may carry digits that a float left there.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from routing.bills.cells import Defect, amount_of, currency_defect
from routing.core.bill import DayCost
from routing.errors import RoutingError

if TYPE_CHECKING:
    from datetime import date

    from openai import OpenAI

OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT_S = 60.0
CONNECT_S = 10.0
DAYS_PER_PAGE = 31
PAGES_AT_MOST = 100
ANSWER_BYTES_AT_MOST = 32 * 1024 * 1024
TOLD_CHARS = 300

_REFUSALS = {
    401: "the key in {key_env} is refused: is it whole, and current?",
    403: "the key in {key_env} may not look at costs: that needs an admin key (sk-admin-...) of the organization,"
    " with the scope api.usage.read",
    404: "{base_url} has no costs endpoint: only OpenAI itself has one",
    429: "too many questions for now: ask again in a minute",
}


class CostsUnavailable(RoutingError):
    """The vendor did not tell its costs, or not in a way that can be read."""


def read_day_costs(since: date, until: date, *, api_key: str, key_env: str, base_url: str | None) -> list[DayCost]:
    """Ask for the sums of every day of ``[since, until)`` and every line item; ``key_env`` names the key in messages.

    Raises:
        CostsUnavailable: with what stands in the way.

    """
    from openai import APIStatusError, DefaultHttpxClient, OpenAI  # noqa: PLC0415 - takes a second

    address = base_url or OPENAI_URL
    client = OpenAI(
        api_key="",  # the key that buys has no business here
        admin_api_key=api_key,
        base_url=address,
        max_retries=0,
        http_client=DefaultHttpxClient(follow_redirects=False),
    )
    costs: list[DayCost] = []
    page: str | None = None
    try:
        with client:
            for _ in range(PAGES_AT_MOST):
                answer = _read(_ask(client, since, until, page))
                costs += [cost for bucket in _rows(answer, "data") for cost in _bucket(bucket)]
                page = _next_page(answer, page)
                if page is None:
                    return costs
    except CostsUnavailable:
        raise
    except APIStatusError as refused:
        told = _REFUSALS.get(refused.status_code, "{base_url} answered {status}: {words}")
        words = _words(refused.body, api_key)
        told = told.format(key_env=key_env, base_url=address, status=refused.status_code, words=words)
        raise CostsUnavailable(told) from None
    except Exception as failure:  # noqa: BLE001 - the SDK and what it stands on raise types of two libraries
        cause = failure.__cause__ or failure
        told = f"{address} cannot be asked: {type(cause).__name__}: {_words(str(cause), api_key)}"
        raise CostsUnavailable(told) from None
    raise CostsUnavailable(f"{address} has no end of pages: ask for a shorter time")


def _ask(client: OpenAI, since: date, until: date, page: str | None) -> bytes:
    from openai import Timeout, omit  # noqa: PLC0415 - as above

    costs = client.admin.organization.usage.with_streaming_response.costs
    with costs(
        start_time=_seconds(since),
        end_time=_seconds(until),
        bucket_width="1d",
        group_by=["line_item"],
        limit=DAYS_PER_PAGE,
        page=page if page is not None else omit,
        timeout=Timeout(TIMEOUT_S, connect=CONNECT_S),
    ) as response:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > ANSWER_BYTES_AT_MOST:
                raise CostsUnavailable("the vendor's answer is larger than any list of costs")
        return bytes(body)


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _unreadable("it is no JSON object")
    return answer


def _rows(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = answer.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(f"there is no list of {name}")
    return rows


def _bucket(bucket: dict[str, Any]) -> list[DayCost]:
    start = bucket.get("start_time")
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start < 2**36:
        raise _unreadable(f"{start!r} is no start of a day")
    day = datetime.fromtimestamp(start, UTC).date()
    costs = []
    for result in _rows(bucket, "results"):
        told = result.get("amount")
        amount = told if isinstance(told, dict) else {}
        read = currency_defect(amount.get("currency")) or amount_of(amount.get("value"))
        if isinstance(read, Defect):
            raise _unreadable(f"{day}: {read.message}")
        costs.append(DayCost(day=day, model=str(result.get("line_item") or ""), amount_nusd=read.nusd))
    return costs


def _next_page(answer: dict[str, Any], page: str | None) -> str | None:
    if not answer.get("has_more"):
        return None
    cursor = answer.get("next_page")
    if not isinstance(cursor, str) or not cursor or cursor == page:
        raise _unreadable("it has more pages, and does not say where")
    return cursor


def _words(body: object, api_key: str) -> str:
    """Read the words out of an error's body: short, on one line, without the key."""
    told = body.get("message") if isinstance(body, dict) else body
    return " ".join(str(told or "nothing").replace(api_key, "...").split())[:TOLD_CHARS]


def _unreadable(why: str) -> CostsUnavailable:
    return CostsUnavailable(f"the vendor's answer cannot be read: {why}")
