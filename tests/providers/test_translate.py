"""The table of vendors' errors, row by row, without a vendor."""

from __future__ import annotations

import pytest

from routing.errors import (
    Charged,
    ContentRejected,
    ProviderError,
    ProviderOutOfMoney,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
)
from routing.providers.answers import Answer
from routing.providers.deadline import DeadlinePassed
from routing.providers.translate import Caller, error_of_answer, error_of_failure
from tests.providers.buying import PROMPT, SECRET

YES, NO, UNKNOWN = Charged.YES, Charged.NO, Charged.UNKNOWN
CALLER = Caller(deployment="shop", api_key_env="SHOP_KEY", secret=SECRET, prompt=PROMPT)


def openai_says(code: str | None, message: str = "no", kind: str = "invalid_request_error") -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def google_says(status: str, message: str = "no", *details: dict[str, object]) -> dict[str, object]:
    return {"error": {"code": 0, "message": message, "status": status, "details": list(details)}}


FAL_KEY = "0a1b2c3d-0000-4000-8000-0123456789ab:0123456789abcdef0123"
MODERATED = openai_says(
    "moderation_blocked", "Your request was rejected by the safety system.", "image_generation_user_error"
)
QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("status", "body", "elapsed_s", "error", "charged", "retryable"),
    [
        (400, openai_says("invalid_value"), 0.1, ProviderError, NO, False),
        (401, openai_says("invalid_api_key"), 0.1, ProviderRejectedKey, NO, False),
        (403, openai_says("unsupported_country"), 0.1, ProviderRejectedKey, NO, False),
        (404, openai_says("model_not_found"), 0.1, ProviderError, NO, False),
        (413, "<html>too large</html>", 0.1, ProviderError, NO, False),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "too many", "type": "x"}]}, 9.0, ProviderError, NO, False),
        (400, MODERATED, 0.8, ContentRejected, NO, False),
        (400, MODERATED, 14.0, ContentRejected, UNKNOWN, False),
        (451, {}, 0.5, ContentRejected, NO, False),
        (403, {"name": "content_moderation", "errors": ["flagged"]}, 0.5, ContentRejected, NO, False),
        (422, {"detail": [{"msg": "flagged", "type": "content_policy_violation"}]}, 9.0, ContentRejected, NO, False),
        (400, {"error": {"code": "content_policy_violation", "message": "no"}}, 0.5, ContentRejected, NO, False),
        (429, openai_says("insufficient_quota", QUOTA), 0.1, ProviderOutOfMoney, NO, False),
        (400, openai_says("billing_hard_limit_reached"), 0.1, ProviderOutOfMoney, NO, False),
        (402, {"error": {"code": 402, "message": "Insufficient account balance"}}, 0.1, ProviderOutOfMoney, NO, False),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, 0.1, ProviderOutOfMoney, NO, False),
        (429, google_says("RESOURCE_EXHAUSTED", QUOTA), 0.1, ProviderOutOfMoney, NO, False),
        (429, google_says("RESOURCE_EXHAUSTED", QUOTA, {"retryDelay": "13s"}), 0.1, ProviderRateLimited, NO, True),
        (429, {"detail": "slow down"}, 0.1, ProviderRateLimited, NO, True),
        (400, google_says("INVALID_ARGUMENT", "x", {"reason": "API_KEY_INVALID"}), 0.1, ProviderRejectedKey, NO, False),
        (400, google_says("FAILED_PRECONDITION", "Billing is not enabled"), 0.1, ProviderOutOfMoney, NO, False),
        (307, "", 0.1, ProviderUnavailable, NO, False),
        (408, "", 60.0, ProviderTimeout, UNKNOWN, True),
        (500, "", 0.1, ProviderUnavailable, UNKNOWN, True),
        (502, "<html>", 60.0, ProviderUnavailable, UNKNOWN, True),
        (503, None, 0.1, ProviderUnavailable, UNKNOWN, True),
        (504, "", 60.0, ProviderTimeout, UNKNOWN, True),
        (524, "", 100.0, ProviderTimeout, UNKNOWN, True),
        (200, {"error": {"message": "odd"}}, 0.1, ProviderUnavailable, UNKNOWN, True),
        (200, MODERATED, 0.1, ContentRejected, UNKNOWN, False),
    ],
)
def test_each_answer_becomes_one_error(  # noqa: PLR0917 - the columns of a table
    status: int,
    body: object,
    elapsed_s: float,
    error: type[ProviderError],
    charged: Charged,
    retryable: bool,  # noqa: FBT001 - as above
) -> None:
    made = error_of_answer(Answer(status=status, body=body, elapsed_s=elapsed_s), CALLER)
    assert (type(made), made.charged, made.retryable, made.status_code) == (error, charged, retryable, status)
    assert str(made).startswith("shop: ")


@pytest.mark.parametrize(("stage", "charged"), [("input", NO), ("output", UNKNOWN)])
def test_the_vendors_own_word_for_where_it_refused_goes_before_the_clock(stage: str, charged: Charged) -> None:
    body = {"error": {"code": "moderation_blocked", "moderation_details": {"moderation_stage": stage}}}
    for elapsed_s in (0.1, 90.0):
        assert error_of_answer(Answer(status=400, body=body, elapsed_s=elapsed_s), CALLER).charged is charged


@pytest.mark.parametrize(
    ("headers", "body", "wait_s"),
    [
        ({"retry-after": "7"}, None, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, None, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT", "date": "Sat, 21 Nov 2026 12:00:00 GMT"}, None, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT", "date": "Sat, 21 Nov 2026 12:00:00 GMT"}, None, 0.0),
        ({}, google_says("RESOURCE_EXHAUSTED", "wait", {"retryDelay": "13.5s"}), 13.5),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "-3"}, None, None),
        ({}, None, None),
    ],
)
def test_the_wait_is_read_in_every_form(headers: dict[str, str], body: object, wait_s: float | None) -> None:
    made = error_of_answer(Answer(status=429, headers=headers, body=body), CALLER)
    assert isinstance(made, ProviderRateLimited)
    assert made.retry_after_s == wait_s


def chained(*names: str) -> Exception:
    """An exception with causes of these class names, the innermost last, as libraries make them."""
    link: Exception | None = None
    for name in reversed(names):
        outer = type(name, (Exception,), {})("why")
        outer.__cause__ = link
        link = outer
    assert link is not None
    return link


@pytest.mark.parametrize(
    ("names", "error", "charged", "retryable"),
    [
        (("APIConnectionError", "ConnectError", "ConnectionRefusedError"), ProviderUnavailable, NO, True),
        (("InternalServerError", "BaseLLMException", "ConnectError", "gaierror"), ProviderUnavailable, NO, True),
        (("APITimeoutError", "ConnectTimeout"), ProviderUnavailable, NO, True),
        (("Timeout", "Timeout", "PoolTimeout"), ProviderUnavailable, NO, True),
        (("APIConnectionError", "UnsupportedProtocol"), ProviderUnavailable, NO, False),
        (("APITimeoutError", "ReadTimeout", "TimeoutError"), ProviderTimeout, UNKNOWN, True),
        (("APITimeoutError", "WriteTimeout"), ProviderTimeout, UNKNOWN, True),
        (("APIConnectionError", "ReadError"), ProviderUnavailable, UNKNOWN, True),
        (("APIConnectionError", "WriteError", "BrokenPipeError"), ProviderUnavailable, UNKNOWN, True),
        (("InternalServerError", "RemoteProtocolError"), ProviderUnavailable, UNKNOWN, True),
        (("JSONDecodeError",), ProviderUnavailable, UNKNOWN, True),
        (("SomethingNobodyForesaw",), ProviderUnavailable, UNKNOWN, True),
    ],
)
def test_only_what_surely_never_left_counts_as_not_charged(
    names: tuple[str, ...],
    error: type[ProviderError],
    charged: Charged,
    retryable: bool,  # noqa: FBT001 - the columns of a table
) -> None:
    made = error_of_failure(chained(*names), CALLER, timeout_s=5.0)
    assert (type(made), made.charged, made.retryable) == (error, charged, retryable)


def test_a_hidden_cause_is_found_all_the_same() -> None:
    class ConnectError(Exception):
        pass

    outer = RuntimeError("library words")
    outer.__context__ = ConnectError()
    outer.__suppress_context__ = True  # what `from None` does
    assert error_of_failure(outer, CALLER, timeout_s=5.0).charged is NO


def test_our_own_deadline_is_a_timeout() -> None:
    made = error_of_failure(DeadlinePassed("over"), CALLER, timeout_s=2.5)
    assert isinstance(made, ProviderTimeout)
    assert "2.5 s" in str(made)


@pytest.mark.parametrize(
    "text",
    [
        f"bad prompt: {PROMPT}",
        f"near '{PROMPT[5:33]}' we saw",
        f"{PROMPT.upper()}!",
        "bad\nprompt:   " + PROMPT.replace(" ", "\n"),
    ],
)
def test_words_that_repeat_the_prompt_are_held_back(text: str) -> None:
    made = error_of_answer(Answer(status=400, body=openai_says(None, text)), CALLER)
    assert "it repeats the prompt" in str(made)
    assert "glass" not in str(made).lower()


@pytest.mark.parametrize(
    "key", [SECRET, "sk-proj-abc***********wxyz", "AIzaSyA1234567890", "Bearer abcdef123456", FAL_KEY]
)
def test_keys_are_taken_out_of_a_vendors_words(key: str) -> None:
    made = error_of_answer(Answer(status=400, body=openai_says(None, f"the key {key} is odd")), CALLER)
    assert key not in str(made)
    assert "the key *** is odd" in str(made)


def test_a_vendors_words_are_cut_short_and_put_on_one_line() -> None:
    made = error_of_answer(Answer(status=400, body=openai_says(None, "no\nway " * 500)), CALLER)
    assert len(str(made)) < 400
    assert "\n" not in str(made)


def test_a_short_prompt_is_found_as_words_only() -> None:
    caller = Caller(deployment="shop", api_key_env="", secret="", prompt="size")
    assert "oversized" in caller.clean("an oversized thing")
    assert "repeats" in caller.clean("the prompt 'size' is odd")


def test_a_web_page_is_not_quoted() -> None:
    made = error_of_answer(Answer(status=502, body="<html><h1>Bad gateway</h1>"), CALLER)
    assert "<" not in str(made)
