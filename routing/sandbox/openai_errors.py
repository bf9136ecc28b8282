"""OpenAI's error bodies, in its own words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from routing.sandbox.vendor import Answer, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from routing.sandbox.faults import Fault

__all__ = [
    "USER_ERROR",
    "azure_key",
    "error",
    "fault_refusal",
    "invalid",
    "model_gone",
    "model_not_found",
    "moderation_blocked",
    "unauthorized",
]

# Where a message was seen in public it is quoted; the rest follows the same pattern.
USER_ERROR = "image_generation_user_error"  # the type of size and moderation refusals


def error(  # noqa: PLR0913 - the fields of the body
    status: int,
    message: str,
    kind: str = "invalid_request_error",
    *,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> Refused:
    """A refusal in OpenAI's form."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Refused(Answer(status=status, body=body, headers=headers or {}))


def invalid(message: str, param: str | None, code: str | None = "invalid_value") -> Refused:
    """A 400 about one parameter."""
    return error(400, message, param=param, code=code)


def unauthorized(key: str | None) -> Refused:
    """The 401 for a missing or unknown key."""
    if not key:
        return error(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer"
            " auth (i.e. Authorization: Bearer YOUR_KEY).",
            code="invalid_api_key",
        )
    shown = f"{key[:7]}{'*' * max(0, len(key) - 11)}{key[-4:]}"
    return error(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


def azure_key() -> Refused:
    """Azure's own 401."""
    message = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key."
    return Refused(Answer(status=401, body={"error": {"code": "401", "message": message}}))


def model_not_found(model: str) -> Refused:
    """The 404 for a name nobody knows."""
    message = f"The model '{model}' does not exist or you do not have access to it."
    return error(404, message, code="model_not_found")


def model_gone(model: str) -> Refused:
    """The 404 for a model that was shut down."""
    message = f"The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
    return error(404, message, code="model_not_found")


def moderation_blocked() -> Refused:
    """The 400 of the safety system."""
    message = (
        "Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com"
        " and include the request ID."
    )
    return error(400, message, USER_ERROR, code="moderation_blocked")


def rate_limited(model: str, fault: Fault) -> Refused:
    """The 429 that passes with time. It names no limit: this vendor has none, and who believed one would keep to it."""
    wait_s = fault.seconds(1.0)
    whole = math.ceil(wait_s)
    return error(
        429,
        f"Rate limit reached for {model} on images per min. Please try again in {wait_s:.3f}s.",
        "requests",
        code="rate_limit_exceeded",
        headers={
            "retry-after": str(whole),
            "retry-after-ms": str(math.ceil(wait_s * 1000)),
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": f"{whole}s",
        },
    )


_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error,"
    " read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)
_HARD_LIMIT = "Billing hard limit has been reached."
_BROKEN = "The server had an error while processing your request. Sorry about that!"
_OVERLOADED = "The engine is currently overloaded, please try again later."

_WORDS: Mapping[str, Callable[[str, Fault], Refused]] = {
    "401": lambda _model, _fault: unauthorized("sk-expired-0000"),
    "404": lambda model, _fault: model_not_found(model),
    "429": rate_limited,
    "quota": lambda _model, _fault: error(429, _QUOTA, "insufficient_quota", code="insufficient_quota"),
    "billing": lambda _model, _fault: error(
        400, _HARD_LIMIT, "billing_limit_user_error", code="billing_hard_limit_reached"
    ),
    "500": lambda _model, _fault: error(500, _BROKEN, "server_error", code="server_error"),
    "502": lambda _model, _fault: error(502, "Bad gateway.", "server_error"),
    "503": lambda _model, _fault: error(503, _OVERLOADED, "server_error", code="engine_overloaded"),
    "moderation": lambda _model, _fault: moderation_blocked(),
    "moderation-late": lambda _model, _fault: moderation_blocked(),
}


def fault_refusal(model: str, fault: Fault) -> Refused:
    """OpenAI's words for a fault of `faults.REFUSALS`."""
    return _WORDS[fault.name](model, fault)
