"""Charges in the columns of FOCUS 1.2, held against what the specification says of each column."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from routing.core.money import usd_text
from routing.core.spend import SpendQuery
from routing.reading.spending import read_charges
from routing.reports.exports import csv_text
from routing.reports.focus import FOCUS, focus_row
from tests.reports.ledgers import CENT, HOSTILE, Happened, a_story, ledger

MANDATORY = {
    "BilledCost": False, "BillingAccountId": False, "BillingAccountName": True, "BillingCurrency": False,
    "BillingPeriodEnd": False, "BillingPeriodStart": False, "ChargeCategory": False, "ChargeClass": True,
    "ChargeDescription": True, "ChargePeriodEnd": False, "ChargePeriodStart": False, "ContractedCost": False,
    "EffectiveCost": False, "InvoiceIssuerName": False, "ListCost": False, "PricingQuantity": True,
    "PricingUnit": True, "ProviderName": False, "PublisherName": False, "ServiceCategory": False,
    "ServiceName": False,
}  # fmt: skip
"""The mandatory columns of version 1.2, and whether each may be null."""
OTHERS = {
    "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "ResourceId", "ResourceType", "ServiceSubcategory", "SkuId",
    "SkuPriceId", "Tags",
}  # fmt: skip
"""Those of its recommended and conditional columns that we fill."""
NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
MONTH = timedelta(days=31)


def rows(*happened: Happened, providers: dict[str, str] | None = None) -> list[dict[str, str]]:
    charges = read_charges(ledger(*happened), None, None)
    known = {"gpt-image-2": "openai", "nano-banana": "google"} if providers is None else providers
    text = "".join(csv_text(FOCUS, filter(None, (focus_row(charge, known) for charge in charges))))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_mandatory_column_is_there_and_ours_begin_with_x() -> None:
    names = [column.name for column in FOCUS]
    theirs = [name for name in names if not name.startswith("x_")]
    assert {*theirs} == {*MANDATORY, *OTHERS}
    assert theirs == sorted(theirs)
    assert names[: len(theirs)] == theirs
    assert {"x_Importance", "x_Asset", "x_Campaign"} <= {*names}


def test_no_column_that_must_have_a_value_is_ever_empty() -> None:
    for row in rows(*a_story()):
        empty = {name for name, value in row.items() if not value}
        assert not {name for name, nullable in MANDATORY.items() if not nullable} & empty
        assert not {"PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit", "SkuId"} & empty


def test_a_charge_is_told_with_who_is_paid_what_was_bought_and_whose_it_is() -> None:
    (row,) = rows(
        Happened(request_id="r", at=NOON, nusd=21 * CENT, importance="final", asset="poster",
                 tags=(("campaign", "spring"), ("kind", "poster")))
    )  # fmt: skip
    assert row["BilledCost"] == row["EffectiveCost"] == row["ListCost"] == row["ContractedCost"] == "0.21"
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-10-31T12:00:20Z", "2026-10-31T12:00:21Z")
    assert row["ProviderName"] == row["PublisherName"] == row["InvoiceIssuerName"] == "openai"
    assert (row["PricingQuantity"], row["PricingUnit"]) == ("1", "Images")
    assert row["ChargeDescription"] == "generate with gpt-image-2-2026-04-21 at low, 1024x1024"
    assert (row["x_Importance"], row["x_Asset"], row["x_Campaign"]) == ("final", "poster", "spring")
    assert json.loads(row["Tags"]) == {"campaign": "spring", "kind": "poster"}


def test_every_value_with_a_list_of_allowed_ones_is_one_of_them() -> None:
    for row in rows(*a_story()):
        assert row["ChargeCategory"] == "Usage"
        assert row["ChargeClass"] in {"", "Correction"}
        assert row["ChargeFrequency"] == "Usage-Based"
        assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")
        assert row["BillingCurrency"] == "USD"
        for name in ("BilledCost", "PricingQuantity"):
            assert re.fullmatch(r"-?\d+(\.\d+)?", row[name])
        for name in ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[name])


@pytest.mark.parametrize(("after", "told"), [(timedelta(hours=1), ""), (MONTH, "Correction")])
def test_only_a_correction_of_an_earlier_billing_period_is_one(after: timedelta, told: str) -> None:
    charged, corrected = rows(
        Happened(request_id="r", at=NOON, nusd=6 * CENT, corrected_after=after, corrected_nusd=5 * CENT)
    )
    assert (charged["ChargeClass"], corrected["ChargeClass"]) == ("", told)
    assert (corrected["BilledCost"], corrected["PricingQuantity"]) == ("-0.01", "0")
    assert corrected["ChargeDescription"].startswith("correction: generate with")


def test_what_came_from_the_cache_or_was_released_was_not_charged_and_has_no_row() -> None:
    assert (
        rows(Happened(request_id="a", at=NOON, end="cached"), Happened(request_id="b", at=NOON, end="released")) == []
    )


def test_of_a_deployment_that_is_gone_its_own_name_stands_in_for_the_provider() -> None:
    (row,) = rows(Happened(request_id="r", at=NOON), providers={})
    assert row["ProviderName"] == row["ResourceId"] == "gpt-image-2"


def test_tags_are_an_object_of_texts_whatever_they_hold() -> None:
    happened = [
        Happened(request_id=f"r{number}", at=NOON, tags=(("campaign", label), (label or "empty", "x")))
        for number, label in enumerate(HOSTILE)
    ]
    found = rows(*happened)
    assert len(found) == len(HOSTILE)
    for row, label in zip(found, HOSTILE, strict=True):
        assert json.loads(row["Tags"]) == {"campaign": label, (label or "empty"): "x"}


def test_the_story_adds_up() -> None:
    store = ledger(*a_story())
    (total,) = store.spend(SpendQuery(by=()))
    assert sum(Decimal(row["BilledCost"]) for row in rows(*a_story())) == Decimal(usd_text(total.spent))
