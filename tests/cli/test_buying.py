"""``generate``, ``edit`` and ``promote`` against a vendor on loopback."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from routing.cli.errors import error_lines
from routing.errors import AllCandidatesFailed, ProviderTimeout, ProviderUnavailable
from routing.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

FOX = ("generate", "a fox")


def size_of(path: Path) -> tuple[str, tuple[int, int]]:
    with Image.open(path) as image:
        return str(image.format), image.size


def test_a_picture_is_saved_where_it_is_wanted_and_its_price_is_told(routing: CommandLine) -> None:
    ran = routing(*FOX, "-i", "final", "--size", "1536x1024", "-o", "poster.png")
    assert ran.code == 0
    saved, why, cost = ran.out.splitlines()
    assert saved == "saved poster.png (1536x1024, png)"
    assert why == "final (named by the call): gpt-image-2 at high, 1536x1024"
    # 2 tokens of text at $5 and 5,488 of picture at $30 a million.
    assert cost.startswith("cost $0.16465, at most $0.164665 was held; request ")
    assert size_of(routing.folder / "poster.png") == ("PNG", (1536, 1024))


def test_a_file_ending_decides_the_format(routing: CommandLine) -> None:
    assert routing(*FOX, "-o", "fox.webp").code == 0
    assert size_of(routing.folder / "fox.webp") == ("WEBP", (1024, 1024))


def test_without_a_name_a_new_one_is_made_and_nothing_is_overwritten(routing: CommandLine) -> None:
    for _ in range(3):
        assert routing("generate", 'Poster: "Grand Opening"!', "--fresh").code == 0
    assert routing("generate", "狐と雪", "-n", "2").code == 0
    names = sorted(path.name for path in routing.folder.glob("*.png"))
    assert names == [
        "poster-grand-opening-draft-2.png",
        "poster-grand-opening-draft-3.png",
        "poster-grand-opening-draft.png",
        "狐と雪-draft-1.png",
        "狐と雪-draft-2.png",
    ]


def test_a_repeat_comes_from_the_cache_and_says_what_it_saved(routing: CommandLine, vendor: Sandbox) -> None:
    routing(*FOX, "-o", "a.png")
    ran = routing(*FOX, "-o", "b.png")
    assert "from the cache: nothing was bought, $0.00589 saved" in ran.out
    assert (routing.folder / "a.png").read_bytes() == (routing.folder / "b.png").read_bytes()
    assert vendor.bill()["images"] == 1


def test_a_bad_picture_is_saved_and_called_bad_on_the_receipt_and_later(routing: CommandLine) -> None:
    ran = routing("generate", "a fox [fault:blank]", "-o", "a.png", "--request-id", "fox")
    assert ran.code == 0
    assert "BAD PICTURE: the picture is blank; it is paid for all the same" in ran.out.splitlines()
    assert size_of(routing.folder / "a.png") == ("PNG", (1024, 1024))
    again = json.loads(routing("generate", "a fox [fault:blank]", "-o", "b.png", "--request-id", "fox", "--json").out)
    assert (again["cached"], again["faults"]) == (True, ["the picture is blank"])
    assert "bad picture: blank" in routing("show", "fox").out


def test_a_placeholder_is_saved_with_a_loud_line_and_exit_code_0(routing: CommandLine, vendor: Sandbox) -> None:
    policy = routing.folder / "policies" / "single-model.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(
        text.replace("max_price: 0.50}", "max_price: 0.50, degrade: {show: [last, placeholder]}}"), "utf-8"
    )
    vendor.inject(["quota", "quota", None, "quota"])
    ran = routing(*FOX, "-o", "a.png", "--asset", "poster-7")
    assert ran.code == 0
    assert ran.err.splitlines()[-1] == "DEGRADED: nothing could be had, a placeholder is shown instead"
    assert "nothing was bought, failed attempts cost $0; request " in ran.out
    assert size_of(routing.folder / "a.png") == ("PNG", (1024, 1024))
    receipt = json.loads(routing(*FOX, "-o", "b.png", "--json").out)
    assert (receipt["degraded"], receipt["deployment"], receipt["cost_usd"]) == ("placeholder", "placeholder", "0")
    assert json.loads(routing(*FOX, "-o", "c.png", "--asset", "poster-7", "--json").out)["degraded"] is None
    ran = routing("generate", "another fox", "-o", "d.png", "--asset", "poster-7")
    assert ran.err.splitlines()[-1] == "DEGRADED: nothing could be had, the asset's last picture is shown instead"
    assert (routing.folder / "d.png").read_bytes() == (routing.folder / "c.png").read_bytes()


def test_a_receipt_as_json_is_complete_and_exact(routing: CommandLine) -> None:
    ran = routing(*FOX, "-t", "campaign=spring", "--asset", "poster-7", "--request-id", "p7/1", "-o", "f.png", "--json")
    assert ran.code == 0
    receipt = json.loads(ran.out)
    assert {
        name: receipt[name] for name in ("request_id", "importance", "deployment", "asset", "cost_usd", "cached")
    } == {
        "request_id": "p7/1",
        "importance": "draft",
        "deployment": "gpt-image-2",
        "asset": "poster-7",
        "cost_usd": "0.00589",
        "cached": False,
    }
    assert receipt["files"] == [{"path": "f.png", "format": "png", "width": 1024, "height": 1024}]
    assert receipt["rule"].startswith("policies/single-model.yaml:")
    assert [line["unit"] for line in receipt["lines"]] == ["text_in", "image_out"]
    assert [attempt["status"] for attempt in receipt["attempts"]] == ["delivered"]


def test_a_prompt_may_come_from_standard_input(routing: CommandLine) -> None:
    assert routing("generate", "-", "-o", "fox.png", stdin="a fox from a pipe\n").code == 0


def test_what_was_read_differently_than_written_is_noted(routing: CommandLine) -> None:
    ran = routing(*FOX, "-i", "final", "--quality", "hd", "-o", "fox.png")
    assert "note: quality hd is called high today" in ran.out


def test_an_edit_takes_several_references(routing: CommandLine, vendor: Sandbox) -> None:
    routing(*FOX, "-o", "fox.png")
    routing("generate", "a palette", "-o", "palette.png")
    ran = routing("edit", "1 in the colours of 2", "--image", "fox.png", "--image", "palette.png", "-o", "both.png")
    assert ran.code == 0
    assert vendor.bill()["lines"][-1]["usage"]["input_tokens_details"]["image_tokens"] == 2 * 1024


def test_a_draft_is_promoted_by_its_id(routing: CommandLine) -> None:
    draft = json.loads(routing(*FOX, "--asset", "poster-7", "-t", "campaign=spring", "-o", "draft.png", "--json").out)
    final = json.loads(routing("promote", draft["request_id"], "-i", "final", "-o", "final.png", "--json").out)
    assert (final["parent"], final["asset"], final["quality"]) == (draft["request_id"], "poster-7", "high")


def test_a_draft_goes_along_where_the_policy_says_so_and_every_report_tells(routing: CommandLine) -> None:
    policy = routing.folder / "policies" / "single-model.yaml"
    words = policy.read_text(encoding="utf-8")
    assert words.count("ask: {quality: high}") == 1
    policy.write_text(words.replace("ask: {quality: high}", "ask: {quality: high}, draft: reference"), encoding="utf-8")
    routing(*FOX, "--asset", "poster-7", "--request-id", "fox", "-n", "2", "-o", "draft.png")
    ran = routing("promote", "fox", "-i", "final", "--picture", "2", "--request-id", "fox/final", "-o", "final.png")
    assert ran.code == 0
    assert "note: picture 2 of fox goes along as image 1" in ran.out
    assert "made from   fox, its picture 2 as the first reference" in routing("show", "fox/final").out
    told = json.loads(routing("show", "fox/final", "--json").out)
    assert (told["parent"], told["parent_picture"], told["operation"]) == ("fox", 2, "edit")
    # 1,024 tokens of reference at $8 and 7,024 of picture at $30 a million, and two of text.
    assert told["cost_usd"] == "0.218922"
    assert routing("assets", "poster-7").out == "poster-7: 2 drafts $0.0118, 1 final $0.2189\n"
    assert "finished: 1 of 1 assets with drafts (100.0 %)" in routing("assets").out
    assert "1 request made again at another importance" in routing("assets").out
    missing = routing("promote", "fox", "-i", "final", "--picture", "3")
    assert (missing.code, missing.err) == (
        2,
        "error: 'fox' has 2 pictures: there is no picture 3 to take along\n",
    )


def test_the_same_request_id_again_gives_the_first_answer(routing: CommandLine, vendor: Sandbox) -> None:
    for name in ("a.png", "b.png"):
        assert routing(*FOX, "--request-id", "p7/1", "-o", name).code == 0
    assert vendor.bill()["images"] == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("moderation", "nothing was charged"),
        ("garbage", "the vendor charged for it"),
        ("reset", "whether the vendor charged is unknown"),
    ],
)
def test_a_failure_of_the_vendor_says_whether_it_was_charged(
    routing: CommandLine, vendor: Sandbox, fault: str, told: str
) -> None:
    vendor.inject([fault])
    ran = routing(*FOX, "-o", "fox.png", "--json")
    assert ran.code == 1
    assert told in ran.err
    assert json.loads(ran.out)["error"]["charged"] in {"no", "yes", "unknown"}
    assert not (routing.folder / "fox.png").exists()


def test_attempts_that_failed_alike_are_told_once_with_their_number() -> None:
    alike = ProviderUnavailable("gpt: HTTP 500", deployment="gpt")
    assert error_lines(AllCandidatesFailed([alike, ProviderTimeout("gpt-b: no answer"), alike])) == [
        "error: 3 attempts failed",
        "  gpt: HTTP 500 (2 times)",
        "  gpt-b: no answer",
        "hint: whether the vendor charged is unknown: it is booked at its quote, as unconfirmed",
    ]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "500",
            (
                "$0.421475 in 2 attempts; $0.210745 of it is unconfirmed",
                "$0.210745 charged, unconfirmed: gpt-image-2",
                [],
            ),
        ),
        ("404", ("$0.21073 in 2 attempts", "nothing charged: gpt-image-2", [])),
        (
            "blank",
            (
                "$0.42146 in 2 attempts",
                "$0.21073 charged: 1 picture, bad picture: blank",
                ["note: bad picture: blank; it is paid for all the same"],
            ),
        ),
    ],
)
def test_after_two_attempts_the_receipt_says_what_was_held_charged_and_brought_for_each(
    routing: CommandLine, vendor: Sandbox, fault: str, told: tuple[str, str, list[str]]
) -> None:
    cost, first, notes = told
    policy = routing.folder / "policies" / "single-model.yaml"
    words = policy.read_text(encoding="utf-8")
    router = routing.folder / "router.yaml"
    router.write_text(
        router.read_text(encoding="utf-8").replace(
            "deployments:\n", "deployments:\n  second: {provider: openai, model: gpt-image-2}\n"
        ),
        encoding="utf-8",
    )
    policy.write_text(
        words.replace("ask: {quality: high}", "ask: {quality: high}, on_failure: [second], bad: retry"),
        encoding="utf-8",
    )
    vendor.inject([fault, None])
    ran = routing(*FOX, "-i", "final", "--request-id", "fox", "-o", "fox.png")
    lines = ran.out.splitlines()
    assert lines[2] == f"cost {cost}; request fox"
    assert lines[3].startswith(f"attempt 1: gpt-image-2, $0.210745 held, {first}")
    assert lines[4:] == ["attempt 2: second, $0.210745 held, $0.21073 charged: 1 picture", *notes]
    assert cost.startswith(f"${json.loads(routing('spend', '--json').out)['total']['spent_usd']} ")


def test_the_receipt_says_which_attempt_brought_the_bad_picture(routing: CommandLine, vendor: Sandbox) -> None:
    policy = routing.folder / "policies" / "single-model.yaml"
    words = policy.read_text(encoding="utf-8")
    policy.write_text(words.replace("ask: {quality: high}", "ask: {quality: high}, bad: retry"), encoding="utf-8")
    vendor.inject(["blank", None])
    lines = routing(*FOX, "-i", "final", "-o", "fox.png").out.splitlines()
    assert [line.rpartition(" charged: ")[2] for line in lines if line.startswith("attempt ")] == [
        "1 picture, bad picture: blank",
        "1 picture",
    ]


def test_a_picture_that_cannot_be_saved_is_not_lost(routing: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    write, full = Path.write_bytes, "fox.png"

    def disk_full(path: Path, data: bytes) -> int:
        if full in (path.name, "every"):
            raise OSError(28, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr("routing.results.Path.write_bytes", disk_full)
    ran = routing(*FOX, "-o", "fox.png")
    assert ran.code == 1
    assert "fox.png: No space left on device: the pictures of request" in ran.err
    assert Path(ran.err.split(" are in ")[1].strip()).read_bytes().startswith(b"\x89PNG")
    full = "every"
    ran = routing(*FOX, "-o", "fox.png")
    assert ran.code == 1
    assert "with a cache, the same command gives them again" in ran.err


def test_events_go_to_stderr_as_json_where_nobody_watches(routing: CommandLine) -> None:
    ran = routing.process("generate", "a secret fox", "-o", "fox.png")
    assert ran.code == 0
    event = json.loads(ran.err.splitlines()[-1])
    assert (event["event"], event["status"], event["charged"]) == ("attempt", "delivered", "yes")
    assert "secret" not in ran.err


def test_ctrl_c_says_what_it_means_for_the_money(routing: CommandLine) -> None:
    with (
        Sandbox.start(pictures="flat", latency_s=60) as slow,
        routing.start(*FOX, "-o", "fox.png", OPENAI_BASE_URL=slow.openai_base_url) as process,
    ):
        while not slow.log():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("interrupted: if a call was under way, it is booked at its quote")
    assert "Traceback" not in err
    assert not out
    total = json.loads(routing("spend", "--json").out)["total"]
    assert total["unconfirmed_usd"] == total["spent_usd"] == "0.005905"


def test_options_that_only_some_models_know_are_named_one_by_one(routing: CommandLine) -> None:
    ran = routing(*FOX, "--option", "complexity=high", "--option", "user=team-7", "-o", "fox.png")
    assert ran.code == 0
    assert routing(*FOX, "--option", "reasoning=force", "-o", "fox.png").code == 0


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("complexty=high", "unknown option 'complexty' (did you mean 'complexity'?): known are complexity, reasoning,"),
        ("complexity", "'complexity' is no option: write it like complexity=high"),
        ("complexity=hihg", "unknown complexity 'hihg' (did you mean 'high'?)"),
    ],
)
def test_an_option_that_is_none_is_answered_with_what_there_is(routing: CommandLine, option: str, told: str) -> None:
    ran = routing(*FOX, "--option", option, "-o", "fox.png")
    assert ran.code == 2
    assert told in ran.err
