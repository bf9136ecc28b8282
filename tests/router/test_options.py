"""What a caller may say, and what is answered to the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from routing import ImageRequest, RequestError, usd
from routing.core.picture import Size
from routing.core.request import Operation
from routing.testing import blank_picture
from tests.shop import SQUARE, open_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.shop import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = open_bench()
    yield made
    made.router.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"importence": "final"}, "unknown parameter 'importence' .*'importance'"),
        ({"importance": "finall"}, "unknown importance 'finall' .*'final'.*draft, review, final"),
        ({"tags": {"campain": "x"}}, "unknown tag 'campain' .*'campaign'"),
        ({"tags": {"campaign": 7}}, "tags are text to text"),
        ({"tags": {"campaign": "x" * 201}}, "at most 200 characters"),
        ({"size": "4096x4096", "importance": "final"}, "nearest is 2880x2880"),
        ({"size": "huge"}, "write width x height"),
        ({"size": "0x0"}, "write width x height"),
        ({"quality": "ultra", "model": "gpt", "importance": "final"}, "unknown quality 'ultra': known are low, medium"),
        ({"quality": "hihg"}, r"unknown quality 'hihg' \(did you mean 'high'\?\)"),
        ({"quality": "High", "importance": "final"}, r"unknown quality 'High' \(did you mean 'high'\?\)"),
        ({"background": "transparant"}, r"unknown background 'transparant' \(did you mean 'transparent'\?\)"),
        ({"output_compression": 101, "output_format": "webp"}, "a whole number from 0 to 100, not 101"),
        ({"output_compression": "x", "output_format": "webp"}, "a whole number from 0 to 100, not x"),
        ({"output_compression": 80}, "output_compression needs output_format jpeg or webp beside it"),
        ({"output_compression": 80, "output_format": "png"}, "output_compression needs output_format jpeg or webp"),
        ({"n": 0}, "n is 1 to 10"),
        ({"n": 11}, "n is 1 to 10"),
        ({"n": True}, "n is 1 to 10"),
        ({"max_price": 1}, r"usd\("),
        ({"max_price": 0.05}, r"usd\("),
        ({"max_price": "cheap"}, "not an amount in USD"),
        ({"deadline": 0}, "deadline is a number of seconds"),
        ({"request_id": ""}, "request_id is text"),
        ({"request_id": "a\nb"}, "control characters"),
        ({"asset": "x" * 300}, "at most 200"),
        ({"mask": b"x"}, "a mask needs the image"),
        ({"model": "gpt-image-9"}, "unknown model 'gpt-image-9'"),
        ({"deployment": "gtp"}, "did you mean 'gpt'"),
        ({"importance": 5}, "importance is text"),
        ({"quality": ["high"], "importance": "final"}, "quality is text"),
        ({"model": 5}, "model is text"),
        ({"deployment": 5}, "deployment is text"),
        ({"fresh": "no"}, "fresh is True or False"),
        ({"seed": [7]}, "seed is text or a whole number"),
        ({"tags": [("campaign", "x")]}, "tags are text to text"),
        ({"size": Size(width=0, height=1)}, "size is width x height"),
        ({"reasoning": "force", "importance": "final"}, "does not know reasoning"),
        ({"background": "transparent", "importance": "final"}, "has no background transparent"),
        ({"partial_images": 2, "on_partial": print, "importance": "final"}, "is not streamed, .*; leave them out"),
        ({"partial_images": 2}, "shown to nobody: pass on_partial="),
        ({"on_partial": print}, "pass partial_images=1 to 3 with it"),
        ({"partial_images": 2, "on_partial": 5}, "on_partial is a function"),
        ({"partial_images": 2, "on_partial": print, "n": 2}, "ask for n=1, not 2"),
        ({"partial_images": 4}, "partial_images is a whole number from 0 to 3, not 4"),
        ({"partial_images": True}, "partial_images is a whole number from 0 to 3"),
        ({"partial_images": "2"}, "partial_images is a whole number from 0 to 3"),
    ],
)
def test_a_keyword_that_cannot_be_is_answered_with_the_way_out(
    bench: Bench, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        bench.router.generate("a fox", **options)
    assert bench.calls == []


@pytest.mark.parametrize("prompt", ["", "  \n", 7, None, "half \ud800"])
def test_a_prompt_that_says_nothing_is_refused(bench: Bench, prompt: object) -> None:
    with pytest.raises(RequestError, match="prompt"):
        bench.router.quote(prompt)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(RequestError, match="prompt"):
        bench.router.generate(prompt, importance="draft")  # type: ignore[arg-type]  # that is the point


def test_a_prompt_longer_than_any_candidate_takes_is_refused_with_both_lengths(bench: Bench) -> None:
    with pytest.raises(RequestError, match=r"32,001 characters.*32,000"):
        bench.router.generate("x" * 32_001, importance="final")


def test_what_older_guides_write_is_read_and_told(bench: Bench) -> None:
    quote = bench.router.quote(
        "a fox", importance="final", quality="standard", size="auto", response_format="url", style="vivid",
        reasoning="auto",
    )  # fmt: skip
    told = " ".join(quote.notices)
    for word in ("standard", "response_format", "style", "reasoning"):
        assert word in told
    assert quote.quality == "high"


def test_a_deadline_may_be_a_timedelta_and_a_price_text(bench: Bench) -> None:
    result = bench.router.generate("a fox", deadline=timedelta(minutes=1), max_price="0.05")
    assert result.cost <= usd("0.05")


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_reference_that_is_no_picture_is_named(bench: Bench, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "reference.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestError, match=r"reference\.png"):
        bench.router.edit("like this", images=[path])


@pytest.mark.parametrize("images", ["fox.png", 5, [5], [None], [bytearray(b"x")]])
def test_references_that_are_no_list_of_pictures_are_refused(bench: Bench, images: object) -> None:
    with pytest.raises(RequestError, match=r"images=\[|reference is a path"):
        bench.router.edit("like this", images=images)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    "fields",
    [
        {"request_id": "half \ud800"},
        {"request_id": ""},
        {"request_id": 5},
        {"request_id": "x" * 201},
        {"asset": "half \ud800"},
        {"tags": {"campaign": 5}},
        {"tags": {"campaign": "half \ud800"}},
        {"tags": None},
        {"extras": {"seed": 7}},
        {"size": "1024x1024"},
        {"max_price_nusd": 0.05},
        {"deadline_s": -1.0},
        {"images": (b"x",)},
        {"operation": Operation.EDIT},
        {"mask": blank_picture(SQUARE)},
    ],
)
def test_a_ready_request_that_no_ledger_or_vendor_could_read_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        ImageRequest(prompt="a fox", **fields)


def test_a_ready_request_with_references_is_an_edit() -> None:
    request = ImageRequest(prompt="a fox", images=(blank_picture(SQUARE),))
    assert request.operation is Operation.EDIT


def test_a_prompt_does_not_show_in_the_repr_of_a_request_or_an_outcome(bench: Bench) -> None:
    assert "secret" not in repr(ImageRequest(prompt="a secret fox"))
    (outcome,) = bench.router.generate_many(["a secret fox"])
    assert "secret" not in repr(outcome)


def test_an_edit_without_a_reference_is_refused(bench: Bench) -> None:
    with pytest.raises(RequestError, match="at least one reference"):
        bench.router.edit("like this")


def test_more_references_than_any_candidate_takes_are_refused(bench: Bench) -> None:
    with pytest.raises(RequestError, match="at most 16"):
        bench.router.edit("like this", images=[blank_picture(SQUARE)] * 17, importance="final")


def test_saving_several_numbers_them_and_a_file_is_what_its_name_says(bench: Bench, tmp_path: Path) -> None:
    result = bench.router.generate("a fox", n=2)
    paths = result.save(tmp_path / "fox.png")
    assert [path.name for path in paths] == ["fox-1.png", "fox-2.png"]
    (jpeg,) = bench.router.generate("a wolf").save(tmp_path / "wolf.jpg")
    assert jpeg.read_bytes().startswith(b"\xff\xd8\xff")


def test_no_partial_images_at_all_is_what_comes_anyway(bench: Bench) -> None:
    result = bench.router.generate("a fox", importance="final", partial_images=0, on_partial=print)
    assert result.notices == ()
    assert dict(result.request.extras) == {}
