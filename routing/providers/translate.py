"""Vendors' errors become ours: the one table that says what failed, whether it was charged, and whether to try again.

Vendors' libraries are known by the names of their exceptions and by attributes, never by their types: openai 2.x stands
on httpx, openai 3.x on httpx2, and LiteLLM wraps both in classes of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
from routing.providers.deadline import DeadlinePassed
from routing.providers.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.core.prices import Usage
    from routing.providers.answers import Answer
    from routing.providers.base import ImageCall, ProviderSpec

INPUT_CHECK_S = 2.0
"""A refusal by content rules within this time is the vendor's look at the input; a later one may follow paid work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose call failed, and what its error must not tell."""

    deployment: str
    api_key_env: str
    secret: str = field(repr=False)
    prompt: str = field(repr=False)
    input_check_s: float = INPUT_CHECK_S

    @classmethod
    def of(cls, call: ImageCall, spec: ProviderSpec, api_key: str) -> Caller:
        """Take from a call and its provider what errors need."""
        check_s = float(spec.options.get("input_check_s", INPUT_CHECK_S))
        name = call.deployment.name
        return cls(
            deployment=name, api_key_env=spec.api_key_env, secret=api_key, prompt=call.prompt, input_check_s=check_s
        )

    def clean(self, text: str) -> str:
        """Make a vendor's words fit for a message."""
        return scrub(text, secret=self.secret, prompt=self.prompt)

    def refuse(self, why: str) -> ProviderError:
        """Refuse a call before anything is sent."""
        return ProviderError(f"{self.deployment}: {why}", deployment=self.deployment, charged=Charged.NO)

    def late(self, ends_in_s: float) -> ProviderTimeout:
        """Say that getting ready took all the time a request had."""
        return ProviderTimeout(
            f"{self.deployment}: not sent, since the {ends_in_s:g} s that were left of its deadline were over before",
            deployment=self.deployment,
            retryable=True,
            charged=Charged.NO,
        )

    def unreadable(self, why: str, usage: Usage | None = None) -> ProviderUnavailable:
        """Say that the answer brought no picture: charged where the vendor reported usage, else nobody knows."""
        return ProviderUnavailable(
            f"{self.deployment}: {why}",
            deployment=self.deployment,
            retryable=True,
            charged=Charged.YES if usage else Charged.UNKNOWN,
            usage=usage,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Answers that match become this error; the first row that matches decides."""

    when: Callable[[Answer, Caller], bool]
    error: type[ProviderError]
    charged: Charged
    retryable: bool
    says: str
    quotes: bool = True


def _input_side(answer: Answer, caller: Caller) -> bool:
    """Was the input refused, before any work? The vendor's own word goes before the clock; a 422 is never charged."""
    if answer.moderation_stage in ("input", "output"):
        return answer.moderation_stage == "input"
    return answer.status == 422 or answer.elapsed_s < caller.input_check_s  # noqa: PLR2004 - HTTP's own numbers


_ANSWERS: tuple[_Row, ...] = (
    _Row(  # an error in a 200, or in the middle of work: only its bill knows whether it was charged
        when=lambda answer, _: answer.ok and answer.is_moderation,
        error=ContentRejected,
        charged=Charged.UNKNOWN,
        retryable=False,
        says="the vendor's content rules refused the picture: change the wording or the reference images",
    ),
    _Row(
        when=lambda answer, _: answer.ok,
        error=ProviderUnavailable,
        charged=Charged.UNKNOWN,
        retryable=True,
        says="the vendor answered 200 with an error in it",
    ),
    _Row(
        when=lambda answer, caller: answer.is_moderation and _input_side(answer, caller),
        error=ContentRejected,
        charged=Charged.NO,
        retryable=False,
        says="the vendor's content rules refused the prompt or an image (HTTP {status}): change the wording",
    ),
    _Row(
        when=lambda answer, _: answer.is_moderation,
        error=ContentRejected,
        charged=Charged.UNKNOWN,
        retryable=False,
        says="the vendor's content rules refused after {elapsed_s:.1f} s (HTTP {status}), "
        "perhaps a finished picture that is charged: change the wording",
    ),
    _Row(
        when=lambda answer, _: answer.is_out_of_money,
        error=ProviderOutOfMoney,
        charged=Charged.NO,
        retryable=False,
        says="the vendor's account has no money or quota left (HTTP {status}): top it up, or raise its limit",
    ),
    _Row(
        when=lambda answer, _: answer.status in (401, 403) or answer.is_bad_key,
        error=ProviderRejectedKey,
        charged=Charged.NO,
        retryable=False,
        says="the vendor refused the key in {api_key_env} (HTTP {status}): "
        "check that it is valid and may use this model",
        quotes=False,  # vendors repeat parts of the key
    ),
    _Row(
        when=lambda answer, _: answer.status == 404,  # noqa: PLR2004 - the table is of HTTP statuses
        error=ProviderError,
        charged=Charged.NO,
        retryable=False,
        says="the vendor knows no such model or address (HTTP 404): check the deployment's model and its base_url",
    ),
    _Row(
        when=lambda answer, _: answer.status == 413,  # noqa: PLR2004 - as above
        error=ProviderError,
        charged=Charged.NO,
        retryable=False,
        says="the request is too large for the vendor (HTTP 413): send smaller or fewer reference images",
    ),
    _Row(
        when=lambda answer, _: 300 <= answer.status < 400,  # noqa: PLR2004 - as above
        error=ProviderUnavailable,
        charged=Charged.NO,
        retryable=False,
        says="the vendor redirects (HTTP {status}), which is not followed: set base_url to the final address",
    ),
    _Row(
        when=lambda answer, _: answer.status in (408, 504, 524),
        error=ProviderTimeout,
        charged=Charged.UNKNOWN,
        retryable=True,
        says="the vendor gave up waiting after {elapsed_s:.0f} s (HTTP {status}); whether it charged is unknown",
    ),
    _Row(
        when=lambda answer, _: answer.status >= 500,  # noqa: PLR2004 - as above
        error=ProviderUnavailable,
        charged=Charged.UNKNOWN,
        retryable=True,
        says="the vendor failed (HTTP {status}); whether it charged is unknown",
    ),
    _Row(
        when=lambda _answer, _caller: True,
        error=ProviderError,
        charged=Charged.NO,
        retryable=False,
        says="the vendor refused the request (HTTP {status})",
    ),
)


def error_of_answer(answer: Answer, caller: Caller) -> ProviderError:
    """Translate an answer that is an error."""
    if answer.status == 429 and not answer.is_out_of_money:  # noqa: PLR2004 - the only row with a wait
        wait_s = answer.retry_after_s()
        wait = f"; wait {wait_s:g} s" if wait_s is not None else ""
        limited = ProviderRateLimited(
            f"{caller.deployment}: too many requests for the vendor (HTTP 429){wait}",
            deployment=caller.deployment,
            retry_after_s=wait_s,
        )
        limited.vendor_request_id = answer.request_id
        limited.told = answer.told
        return limited
    row = next(row for row in _ANSWERS if row.when(answer, caller))
    says = row.says.format(
        status=answer.status, elapsed_s=answer.elapsed_s, api_key_env=caller.api_key_env or "its environment variable"
    )
    quoted = caller.clean(answer.text) if row.quotes else ""
    return row.error(
        f"{caller.deployment}: {says}" + (f'; it says "{quoted}"' if quoted else ""),
        deployment=caller.deployment,
        status_code=answer.status,
        retryable=row.retryable,
        charged=row.charged,
        vendor_request_id=answer.request_id,
    )


NEVER_SENT = frozenset(
    {
        "ConnectError",  # refused, DNS, TLS
        "ConnectTimeout",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
        "InvalidURL",
        "LocalProtocolError",
        "ConnectionRefusedError",
        "gaierror",
        "SSLCertVerificationError",
    }
)
"""Exceptions of httpx, httpx2, httpcore and the standard library that end a call before its first byte."""

_TIMED_OUT = frozenset({"ReadTimeout", "WriteTimeout", DeadlinePassed.__name__})
_LOST = {
    "ReadError": "the connection broke while waiting for the answer",
    "RemoteProtocolError": "the connection ended before the answer did",
    "WriteError": "the connection broke while the request was sent",
    "CloseError": "the connection broke",
    "DecodingError": "the answer could not be decompressed",
}


def error_of_failure(failure: BaseException, caller: Caller, *, timeout_s: float) -> ProviderError:
    """Translate an exception of the way to the vendor.

    The libraries wrap what happened, so the chain of causes is searched; what nobody recognises counts as sent.
    """
    names = _names_in_chain(failure)
    if NEVER_SENT & names:
        return ProviderUnavailable(
            f"{caller.deployment}: the vendor could not be reached, nothing was sent ({_innermost(failure, caller)}): "
            "check base_url and the network",
            deployment=caller.deployment,
            retryable=not names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError"},
            charged=Charged.NO,
        )
    if _TIMED_OUT & names:
        return ProviderTimeout(
            f"{caller.deployment}: no complete answer within {timeout_s:g} s; whether it was charged is unknown",
            deployment=caller.deployment,
            retryable=True,
            charged=Charged.UNKNOWN,
        )
    lost = next((says for name, says in _LOST.items() if name in names), "")
    return ProviderUnavailable(
        f"{caller.deployment}: {lost or _innermost(failure, caller)}; whether it was charged is unknown",
        deployment=caller.deployment,
        retryable=True,
        charged=Charged.UNKNOWN,
    )


def came_from_transport(failure: BaseException) -> bool:
    """Tell whether an HTTP library had a part in a failure, or whether it happened before any was asked."""
    return bool(_names_in_chain(failure) & {"HTTPError", "ConnectionError", "HTTPException"})


def _chain(failure: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = failure
    while link is not None and link not in chain:
        chain.append(link)
        # A library that says ``from None`` hides the cause from readers; it is still there.
        link = link.__cause__ or link.__context__
    return chain


def _names_in_chain(failure: BaseException) -> frozenset[str]:
    return frozenset(base.__name__ for link in _chain(failure) for base in type(link).__mro__)


def _innermost(failure: BaseException, caller: Caller) -> str:
    """Name the first cause: it says most."""
    first = _chain(failure)[-1]
    text = caller.clean(str(first))
    return f"{type(first).__name__}: {text}" if text else type(first).__name__
