"""The account at the end of a demo: what was spent, what all-final would have cost, and ledger against bill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from routing.core.money import Money, usd_text
from routing.reports.amounts import exact_usd, readable, readable_share
from routing.reports.spend import spend_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.core.spend import SpendRow
    from routing.results import Result
    from routing.router import Router

GREATEST = "final"
"""The importance of the shipped policy that matters most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Sums in nano-USD. ``differences`` are what ``routing ledger verify`` would find: nothing."""

    rows: Sequence[SpendRow]
    requests: int
    repeats: int
    all_final: Money
    saved: Money
    ledger: Money
    bill: Money
    differences: tuple[str, ...]

    @property
    def difference(self) -> Money:
        """What the ledger says beyond the vendor's bill."""
        return self.ledger - self.bill


def settle_up(router: Router, results: Sequence[Result], bill: Mapping[str, Any]) -> Account:
    """Add up what the demo did; buys nothing."""
    rows = router.spend()
    return Account(
        rows=rows,
        requests=len(results),
        repeats=sum(result.cached for result in results),
        all_final=Money(sum(expected_as_final(router, result) for result in results)),
        saved=Money(sum(result.saved for result in results)),
        ledger=Money(sum(row.spent for row in rows)),
        bill=Money(bill["total_nusd"]),
        differences=router.verify().differences,
    )


def expected_as_final(router: Router, result: Result) -> Money:
    """Quote a request again as if everything were final: same words, references, number and size."""
    request = replace(
        result.request, importance=GREATEST, size=result.size, quality=None, deployment=None, request_id=None
    )
    return router.quote(request).expected


def account_lines(account: Account) -> list[str]:
    """Tell the account."""
    rows = [
        (
            f"all {account.requests} requests as final",
            readable(account.all_final),
            "expected, same sizes, repeats bought again",
        ),
        (
            "spent",
            readable(account.ledger),
            f"{readable_share(account.all_final - account.ledger, account.all_final)} less",
        ),
        ("saved by the cache", readable(account.saved), f"{account.repeats} repeats, answered without buying"),
        ("ledger", exact_usd(account.ledger), "every entry agrees with the counters"),
        ("vendor's bill", exact_usd(account.bill), "kept by the vendor's own arithmetic"),
        ("difference", exact_usd(account.difference), "equal to the nano-dollar"),
    ]
    if account.differences:
        rows[3] = (*rows[3][:2], "; ".join(account.differences))
    if account.difference:
        rows[5] = (*rows[5][:2], "they should be equal to the nano-dollar: this is a fault of the router")
    names, amounts = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
    return [f"{name:<{names}}  {amount:<{amounts}}  {remark}".rstrip() for name, amount, remark in rows]


def account_json(account: Account) -> dict[str, object]:
    """Plain values: the rows of the spend report, and the account."""
    return {
        **spend_json(account.rows),
        "account": {
            "requests": account.requests,
            "repeats": account.repeats,
            "all_final_expected_usd": usd_text(account.all_final),
            "saved_usd": usd_text(account.saved),
            "ledger_usd": usd_text(account.ledger),
            "bill_usd": usd_text(account.bill),
            "difference_usd": usd_text(account.difference),
            "differences": list(account.differences),
        },
    }
