"""The ledger keeps what the vendor calls each request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing.errors import Charged, ProviderError
from tests.shop import open_bench

if TYPE_CHECKING:
    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench


def known_as(bench: Bench) -> list[str]:
    return [entry.vendor_request_id for entry in bench.store.entries()][1:]


def test_a_delivery_is_booked_under_the_vendors_name_for_it() -> None:
    bench = open_bench()
    deliver = bench.fakes["gpt"].buy

    def named(call: ImageCall) -> Delivery:
        return replace(deliver(call), vendor_request_id="req_\x001")

    bench.fakes["gpt"].buy = named  # type: ignore[method-assign]  # a vendor that names its requests
    bench.router.generate("a fox", importance="final")
    assert known_as(bench) == ["req_ 1"]


@pytest.mark.parametrize("charged", Charged)
def test_a_failure_is_booked_under_the_vendors_name_for_it(charged: Charged) -> None:
    bench = open_bench()
    bench.fakes["gpt"].fail_next(ProviderError("no", deployment="gpt", charged=charged, vendor_request_id="req_2"))
    bench.fakes["gpt-b"].fail_next(ProviderError("no", deployment="gpt-b", charged=Charged.NO))
    with pytest.raises(ProviderError):
        bench.router.generate("a fox", importance="final")
    assert known_as(bench)[0] == "req_2"
