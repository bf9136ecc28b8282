"""fal's synchronous models, spoken by LiteLLM's image route and by hand."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.sandbox.samples import NO_CERTIFICATES, data_url, look

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from routing.sandbox import Sandbox


@pytest.fixture
def generate(litellm: ModuleType, sandbox: Sandbox) -> Callable[..., Any]:
    def call(model: str, **options: object) -> Any:  # noqa: ANN401 - LiteLLM's own
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return litellm.image_generation(
                model=f"fal_ai/{model}",
                prompt="A kitten",
                api_base=sandbox.fal_base_url,
                api_key="fal-key",
                timeout=5,
                **options,
            )

    return call


def post(http: httpx.Client, model: str, **body: object) -> httpx.Response:
    return http.post(f"/fal/{model}", json={"prompt": "A kitten", **body}, headers={"authorization": "Key fal-key"})


def test_litellm_gets_addresses_that_hold_pictures(generate: Callable[..., Any], sandbox: Sandbox) -> None:
    reply = generate("fal-ai/flux/schnell", n=2, size="1024x768")
    pictures = [look(httpx.get(item.url, verify=NO_CERTIFICATES).content) for item in reply.data]
    assert pictures == [("JPEG", (1024, 768))] * 2
    assert sandbox.bill()["total_usd"] == "0.006"


@pytest.mark.parametrize(
    ("model", "options", "usd"),
    [
        ("openai/gpt-image-2", {"quality": "low", "size": "1024x1024"}, "0.006"),
        ("openai/gpt-image-2", {"quality": "medium", "size": "1536x1024"}, "0.042"),
        ("openai/gpt-image-2", {"quality": "high", "size": "3840x2160"}, "0.401"),
        ("openai/gpt-image-2", {}, "0.145"),
        ("openai/gpt-image-2/edit", {"quality": "low", "size": "1024x1024", "image_urls": [data_url()]}, "0.015"),
        ("fal-ai/nano-banana", {"size": "1024x1024"}, "0.039"),
    ],
)
def test_each_model_charges_its_price_for_a_picture(
    generate: Callable[..., Any], sandbox: Sandbox, model: str, options: dict[str, object], usd: str
) -> None:
    generate(model, n=1, **options)
    bill = sandbox.bill()
    assert (bill["total_usd"], list(bill["by_model"])) == (usd, [model])


def test_litellm_posts_an_unknown_model_to_the_bare_base(
    generate: Callable[..., Any], litellm: ModuleType, sandbox: Sandbox
) -> None:
    with pytest.raises(litellm.NotFoundError):
        generate("fal-ai/something-new", n=1)
    assert [(row["path"], row["status"]) for row in sandbox.log()] == [("/fal", 404)]


def test_an_edit_can_start_from_a_picture_bought_before(http: httpx.Client) -> None:
    first = post(http, "openai/gpt-image-2", quality="low", image_size={"width": 1200, "height": 900}).json()
    edited = post(http, "openai/gpt-image-2/edit", quality="low", image_urls=[first["images"][0]["url"]]).json()
    assert (edited["images"][0]["width"], edited["images"][0]["height"]) == (1200, 900)


def test_sync_mode_brings_the_picture_inside_the_reply(http: httpx.Client) -> None:
    reply = post(http, "fal-ai/flux/schnell", sync_mode=True, output_format="png", image_size="square").json()
    head, _, data = reply["images"][0]["url"].partition(",")
    assert (head, look(data)) == ("data:image/png;base64", ("PNG", (512, 512)))


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        ("fal-ai/flux/schnell", {"n": 2}, "n"),
        ("fal-ai/flux/schnell", {"quality": "low"}, "quality"),
        ("fal-ai/flux/schnell", {"num_images": 5}, "num_images"),
        ("fal-ai/flux/schnell", {"num_images": 0}, "num_images"),
        ("fal-ai/flux/schnell", {"num_images": "1"}, "num_images"),
        ("fal-ai/flux/schnell", {"image_size": "1024x768"}, "image_size"),
        ("fal-ai/flux/schnell", {"image_size": {"width": 0, "height": 10}}, "image_size"),
        ("fal-ai/flux/schnell", {"num_inference_steps": 50}, "num_inference_steps"),
        ("fal-ai/flux/schnell", {"output_format": "webp"}, "output_format"),
        ("fal-ai/flux/schnell", {"sync_mode": "yes"}, "sync_mode"),
        ("fal-ai/flux/schnell", {"prompt": ""}, "prompt"),
        ("openai/gpt-image-2", {"quality": "xhigh"}, "quality"),
        ("openai/gpt-image-2", {"image_urls": []}, "image_urls"),
        ("openai/gpt-image-2/edit", {}, "image_urls"),
        ("openai/gpt-image-2/edit", {"image_urls": [data_url()] * 17}, "image_urls"),
        ("openai/gpt-image-2/edit", {"image_urls": ["https://pictures.example/a.png"]}, "image_urls"),
        ("openai/gpt-image-2/edit", {"image_urls": [data_url()], "mask_url": data_url(32, 32)}, "mask_url"),
        ("fal-ai/nano-banana", {"aspect_ratio": "7:5"}, "aspect_ratio"),
        ("fal-ai/nano-banana", {"image_size": "square"}, "image_size"),
    ],
)
def test_what_fal_refuses_is_a_422_that_names_the_field(
    http: httpx.Client, sandbox: Sandbox, model: str, body: dict[str, object], field: str
) -> None:
    answer = post(http, model, **body)
    assert answer.status_code == 422
    assert [item["loc"] for item in answer.json()["detail"]] == [["body", field]]
    assert set(answer.json()["detail"][0]) == {"loc", "msg", "type", "input"}
    assert sandbox.bill()["total_nusd"] == 0


def test_everything_wrong_is_said_at_once(http: httpx.Client) -> None:
    answer = post(http, "fal-ai/flux/schnell", num_images=9, size="square", output_format="gif")
    assert {item["loc"][1] for item in answer.json()["detail"]} == {"num_images", "size", "output_format"}


@pytest.mark.parametrize("key", ["", "Bearer fal-key", "Key invalid"])
def test_fal_wants_its_own_kind_of_key(http: httpx.Client, key: str) -> None:
    answer = http.post("/fal/fal-ai/flux/schnell", json={"prompt": "A kitten"}, headers={"authorization": key})
    assert answer.status_code == 401


def test_fal_bills_success_only(http: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.inject(["500:after", "moderation-late:0", "moderation", "quota", None])
    answers = [post(http, "fal-ai/nano-banana").status_code for _ in range(5)]
    assert answers == [500, 422, 422, 403, 200]
    assert sandbox.bill()["total_usd"] == "0.039"
    assert post(http, "fal-ai/nano-banana", prompt="something [unsafe]").status_code == 422
