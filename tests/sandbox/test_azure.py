"""Azure's form of the Images API, through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from tests.sandbox.samples import picture

if TYPE_CHECKING:
    import httpx

    from routing.sandbox import Sandbox

VERSION = "2026-06-01"


def test_a_deployment_is_reached_by_its_name(sandbox: Sandbox) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=sandbox.url, api_key="azure-key", api_version=VERSION, max_retries=0
    ) as client:
        made = client.images.generate(model="gpt-image-2-eu", prompt="A kitten", size="1024x1024", quality="low")
        edited = client.images.edit(
            model="gpt-image-2-eu",
            prompt="A kitten",
            image=("a.png", picture(), "image/png"),
            size="1024x1024",
            quality="low",
        )
    assert made.usage is not None
    assert edited.usage is not None
    assert (made.usage.output_tokens, edited.usage.output_tokens) == (196, 196)
    assert sandbox.bill()["by_model"]["gpt-image-2"]["images"] == 2
    assert sandbox.log()[0]["path"] == "/openai/deployments/gpt-image-2-eu/images/generations"


def test_the_v1_base_takes_the_plain_sdk(sandbox: Sandbox) -> None:
    with openai.OpenAI(base_url=f"{sandbox.url}/openai/v1", api_key="azure-key", max_retries=0) as client:
        client.images.generate(model="gpt-image-2.5-flare", prompt="A kitten", extra_body={"quality": "max"})
    assert list(sandbox.bill()["by_model"]) == ["gpt-image-2.5-flare"]


def test_an_unknown_deployment_is_not_found(http: httpx.Client) -> None:
    path = f"/openai/deployments/my-pictures/images/generations?api-version={VERSION}"
    answer = http.post(path, json={"prompt": "A kitten"}, headers={"api-key": "azure-key"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DeploymentNotFound")


def test_a_deployment_without_a_version_is_not_found(http: httpx.Client) -> None:
    path = "/openai/deployments/gpt-image-2/images/generations"
    answer = http.post(path, json={"prompt": "A kitten"}, headers={"api-key": "azure-key"})
    assert answer.status_code == 404


@pytest.mark.parametrize("key", ["", "invalid"])
def test_azure_refuses_a_key_in_its_own_words(http: httpx.Client, key: str) -> None:
    http.headers.pop("authorization")
    path = f"/openai/deployments/gpt-image-2/images/generations?api-version={VERSION}"
    answer = http.post(path, json={"prompt": "A kitten"}, headers={"api-key": key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "401")
