"""Writes that are rare: raises of budgets, alerts, and the way of alerts to their channels.

They too run inside a transaction that someone else begins and commits, but each on a cursor of its own: no store reads
their rows beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.alerts import DELIVERIES_AT_ONCE, Delivery
from routing.ledger.operations import fetch, fetch_all
from routing.ledger.queries import SQL
from routing.ledger.rows import alert_from, alert_parameters, raise_parameters, to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from routing.core.alerts import Alert
    from routing.core.budgets import BudgetRaise
    from routing.ledger.operations import Cursor


def raise_budget(cursor: Cursor, raised: BudgetRaise) -> None:
    """Record a raise: see ``Ledger.raise_budget``."""
    cursor.execute(SQL["insert_raise"], raise_parameters(raised))


def record_alerts(cursor: Cursor, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Write the alerts whose names are new: see ``AlertLog.record_alerts``."""
    return tuple(alert for alert in alerts if fetch(cursor, "insert_alert", alert_parameters(alert)))


def claim_deliveries(cursor: Cursor, channels: Sequence[str], now: datetime, until: datetime) -> tuple[Delivery, ...]:
    """Take what is due: see ``AlertLog.claim_deliveries``."""
    for alert in fetch_all(cursor, "unseen_alerts", {"most": DELIVERIES_AT_ONCE}):
        for channel in channels:
            cursor.execute(SQL["insert_delivery"], {"alert": alert["id"], "channel": channel, "due_at": to_ms(now)})
        cursor.execute(SQL["see_alert"], {"id": alert["id"]})
    due = [
        row
        for channel in channels
        for row in fetch_all(
            cursor, "due_deliveries", {"channel": channel, "now": to_ms(now), "most": DELIVERIES_AT_ONCE}
        )
    ]
    taken = sorted(due, key=lambda row: (row["id"], row["channel"]))[:DELIVERIES_AT_ONCE]
    for row in taken:
        cursor.execute(SQL["take_delivery"], {"alert": row["id"], "channel": row["channel"], "until": to_ms(until)})
    return tuple(
        Delivery(alert=alert_from(row), channel=row["channel"], tries=row["tries"] + 1, claimed_until=until)
        for row in taken
    )


def finish_deliveries(
    cursor: Cursor, taken: Sequence[Delivery], failed: Sequence[tuple[Delivery, str, datetime]]
) -> None:
    """Note what became of deliveries: see ``AlertLog.finish_deliveries``."""
    for delivery in taken:
        cursor.execute(SQL["delivered"], {"name": delivery.alert.name, "channel": delivery.channel})
    for delivery, error, again_at in failed:
        cursor.execute(
            SQL["not_delivered"],
            {
                "name": delivery.alert.name,
                "channel": delivery.channel,
                "tries": delivery.tries,
                "error": error,
                "due_at": to_ms(again_at),
            },
        )
