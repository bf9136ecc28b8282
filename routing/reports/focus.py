"""Charges in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.

The 21 mandatory columns and those of its others that we know; ours begin with ``x_``. An answer from the cache was not
charged and has no row. Unit prices are left out: a row is a call, and many a call is priced by several units at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from routing.core.entries import EntryKind
from routing.core.window import Window, WindowKind
from routing.reports.charges import tags_json
from routing.reports.exports import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from routing.core.charge import Charge

MONTH = Window(kind=WindowKind.CALENDAR_MONTH)
SECOND = timedelta(seconds=1)
UNIT = "Images"


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusRow:
    """A charge, and whom it is paid to: the provider's name in ``router.yaml``."""

    charge: Charge
    provider: str

    @property
    def start(self) -> datetime:
        """When it was charged, cut to the second as the format wants it."""
        return self.charge.entry.at.astimezone(UTC).replace(microsecond=0)

    @property
    def corrects_the_past(self) -> bool:
        """Tell whether it corrects a charge of an earlier billing period: an earlier month, in UTC."""
        return (
            self.charge.entry.kind is EntryKind.ADJUST
            and MONTH.span(self.charge.resolved_at).start < MONTH.span(self.start).start
        )

    @property
    def description(self) -> str:
        """Say what was charged, in a few words."""
        entry, operation = self.charge.entry, self.charge.record.features.operation.value
        quality = f" at {entry.quality}" if entry.quality else ""
        what = f"{operation} with {entry.model}{quality}, {entry.size}"
        kind = {EntryKind.ADJUST: "correction: ", EntryKind.EXPIRE: "no answer was booked: "}.get(entry.kind, "")
        return f"{kind}{what}{f' ({entry.reason})' if entry.reason else ''}"


def focus_row(charge: Charge, providers: Mapping[str, str]) -> FocusRow | None:
    """Make a row; ``None`` for what came from the cache.

    ``providers`` are those of the deployments of today; of one that is gone the deployment's own name stands in.
    """
    if charge.cached:
        return None
    return FocusRow(charge=charge, provider=providers.get(charge.entry.deployment, charge.entry.deployment))


def _text(name: str, read: Callable[[FocusRow], str | None]) -> Column[FocusRow]:
    return Column(name=name, kind=Kind.TEXT, read=lambda row: read(row) or None)


def _usd(name: str) -> Column[FocusRow]:
    return Column(name=name, kind=Kind.USD, read=lambda row: row.charge.charged_nusd)


def _count(name: str) -> Column[FocusRow]:
    return Column(name=name, kind=Kind.COUNT, read=lambda row: row.charge.entry.images)


def _second(name: str, read: Callable[[FocusRow], datetime | None]) -> Column[FocusRow]:
    return Column(name=name, kind=Kind.SECOND, read=read)


def _sku_price(row: FocusRow) -> str:
    entry = row.charge.entry
    return "/".join(part for part in (entry.model, entry.quality, entry.size) if part)


FOCUS: tuple[Column[FocusRow], ...] = (
    _usd("BilledCost"),
    _text("BillingAccountId", lambda row: row.provider),
    _text("BillingAccountName", lambda row: row.provider),
    _text("BillingCurrency", lambda _: "USD"),
    _second("BillingPeriodEnd", lambda row: MONTH.span(row.start).end),
    _second("BillingPeriodStart", lambda row: MONTH.span(row.start).start),
    _text("ChargeCategory", lambda _: "Usage"),
    _text("ChargeClass", lambda row: "Correction" if row.corrects_the_past else None),
    _text("ChargeDescription", lambda row: row.description),
    _text("ChargeFrequency", lambda _: "Usage-Based"),
    _second("ChargePeriodEnd", lambda row: row.start + SECOND),
    _second("ChargePeriodStart", lambda row: row.start),
    _count("ConsumedQuantity"),
    _text("ConsumedUnit", lambda _: UNIT),
    _usd("ContractedCost"),
    _usd("EffectiveCost"),
    _text("InvoiceIssuerName", lambda row: row.provider),
    _usd("ListCost"),
    _count("PricingQuantity"),
    _text("PricingUnit", lambda _: UNIT),
    _text("ProviderName", lambda row: row.provider),
    _text("PublisherName", lambda row: row.provider),
    _text("ResourceId", lambda row: row.charge.entry.deployment),
    _text("ResourceType", lambda _: "Deployment"),
    _text("ServiceCategory", lambda _: "AI and Machine Learning"),
    _text("ServiceName", lambda _: "Image generation"),
    _text("ServiceSubcategory", lambda _: "Generative AI"),
    _text("SkuId", lambda row: row.charge.entry.model),
    _text("SkuPriceId", _sku_price),
    _text("Tags", lambda row: tags_json(row.charge.record.features.tags)),
    _text("x_Importance", lambda row: row.charge.record.importance),
    _text("x_Asset", lambda row: row.charge.record.asset),
    _text("x_Campaign", lambda row: row.charge.record.features.tags.get("campaign")),
    _text("x_RequestId", lambda row: row.charge.record.request_id),
    _text("x_AttemptId", lambda row: row.charge.entry.reservation_id),
    _text("x_ParentRequestId", lambda row: row.charge.record.parent),
    _text("x_Rule", lambda row: row.charge.record.rule),
    _text("x_Policy", lambda row: row.charge.record.policy),
    _text("x_Basis", lambda row: row.charge.entry.basis and row.charge.entry.basis.value),
    Column(name="x_Unconfirmed", kind=Kind.FLAG, read=lambda row: row.charge.unconfirmed),
    _text("x_VendorRequestId", lambda row: row.charge.entry.vendor_request_id),
)
"""Sorted by name, as FOCUS recommends; ours after all of its own."""
