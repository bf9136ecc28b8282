"""What the vendor calls a request: a bill is compared by it, above all where money is in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.core.request import Operation
from routing.errors import Charged, ProviderError
from routing.providers.base import ImageCall, ProviderSpec
from routing.providers.registry import make_provider
from tests.providers.buying import PROMPT, SECRET, Heard, Said, deployment, parrot, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.providers.base import Delivery


def buy(url: str, timeout_s: float = 5.0) -> Delivery:
    provider = make_provider(ProviderSpec(name="shop", kind="openai", api_key_env="KEY", base_url=url), SECRET)
    call = ImageCall(
        deployment=deployment("gpt-image-2"),
        prompt=PROMPT,
        operation=Operation.GENERATE,
        size=size("64x64"),
        quality=None,
        n=1,
        timeout_s=timeout_s,
    )
    try:
        return provider.buy(call)
    finally:
        provider.close()


@pytest.mark.parametrize(
    ("answer", "known_as"),
    [
        (Said({"error": {"message": "no"}}, status=500, headers={"x-request-id": "req_1"}), "req_1"),
        (Said({"error": {"message": "no"}}, status=400, headers={"apim-request-id": "azure_1"}), "azure_1"),
        (Said({"error": {"message": "busy"}}, status=429, headers={"x-request-id": "req_4"}), "req_4"),
        (Said({"data": []}, headers={"x-request-id": "req_2"}), "req_2"),
        (Said({"error": {"message": "odd"}}, headers={"x-request-id": "req_3"}), "req_3"),
        (Said({"error": {"message": "no"}}, status=500), ""),
    ],
)
def test_an_error_names_the_request_as_the_vendor_does(answer: Said, known_as: str) -> None:
    with parrot(answer) as vendor, pytest.raises(ProviderError) as failed:
        buy(vendor.url)
    assert failed.value.vendor_request_id == known_as


def test_a_task_that_is_never_done_is_known_by_its_name() -> None:
    def answer(heard: Heard) -> Said:
        status = "submitted" if heard.path.endswith("/generations") else "processing"
        task = {"status": status, "task_id": "task_1"}
        return Said({"code": 200, "data": [task] if status == "submitted" else task})

    asked: Callable[[Heard], Said] = answer
    with parrot(asked) as vendor, pytest.raises(ProviderError) as failed:
        buy(vendor.url, timeout_s=0.5)
    assert failed.value.charged is Charged.UNKNOWN
    assert failed.value.vendor_request_id == "task_1"
