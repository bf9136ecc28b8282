"""Every vendor that needs LiteLLM: Google by its chat route, the others by a table of what each takes.

LiteLLM is imported by the first call: it takes seconds. It words and sends the request; status, headers and body of
the answer are taken down on the way by hooks of its HTTP client, because LiteLLM loses them (codes, Retry-After, seeds,
which pictures are thoughts) and calls some paid answers a 422. The same hooks refuse to send a second POST.

The body is read here, too, piece by piece: it ends at the call's deadline, and where no answer is that long.
"""

from __future__ import annotations

import os
import threading
import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from routing.core.request import Operation
from routing.errors import ProviderError
from routing.providers import gemini
from routing.providers.answers import BODY_BYTES_AT_MOST, Answer, decoded
from routing.providers.deadline import CONNECT_S, Deadline
from routing.providers.delivery import Parcel, deliver
from routing.providers.litellm_routes import BASE_URLS, route_arguments
from routing.providers.translate import Caller, came_from_transport, error_of_answer, error_of_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from routing.core.pacing import Told
    from routing.providers.base import Delivery, ImageCall, ProviderSpec

_IMPORTING = threading.Lock()


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """What was seen of one call on the wire; ``answer`` is set when a body is complete."""

    deadline: Deadline
    on_send: Callable[[], None]
    posts: int = 0
    answer: Answer | None = None

    @property
    def told(self) -> tuple[Told, ...]:
        return self.answer.told if self.answer else ()


class _SecondPost(Exception):
    """LiteLLM was about to send a call again."""


class _Witness(threading.local):
    """Hooks of an HTTP client that take down the exchange of the calling thread."""

    exchange: _Exchange | None = None

    def on_request(self, request: Any) -> None:  # noqa: ANN401 - an httpx or httpx2 request: never matched by type
        """Set the time that is left, and let only one POST pass."""
        exchange = self.exchange
        if exchange is None:
            return
        exchange.posts += request.method == "POST"
        if exchange.posts > 1:
            raise _SecondPost("a call is sent once")
        if request.method == "POST":
            exchange.on_send()
        left_s = exchange.deadline.left_s()
        request.extensions["timeout"] = {
            "connect": min(CONNECT_S, left_s),
            "read": left_s,
            "write": left_s,
            "pool": left_s,
        }

    def on_response(self, response: Any) -> None:  # noqa: ANN401 - as above
        """Read the whole answer within the time that is left, and keep it."""
        exchange = self.exchange
        if exchange is None:
            return
        # By the name that `read` asks: only after that is the content there for LiteLLM.
        response.iter_bytes = partial(_pieces, response.iter_bytes, response.request.extensions["timeout"], exchange)
        response.read()
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = decoded(response.content)
        elapsed_s = exchange.deadline.elapsed_s
        exchange.answer = Answer(status=response.status_code, headers=headers, body=body, elapsed_s=elapsed_s)


def _pieces(read: Callable[[], Iterator[bytes]], timeouts: dict[str, float], exchange: _Exchange) -> Iterator[bytes]:
    """Read a body within the time that is left, and no more than an answer can have."""
    total, pieces = 0, read()
    while True:
        timeouts["read"] = exchange.deadline.left_s()
        piece = next(pieces, None)
        exchange.deadline.left_s()
        if piece is None:
            return
        total += len(piece)
        if total > BODY_BYTES_AT_MOST:
            raise ValueError(f"the answer has more than {BODY_BYTES_AT_MOST // 2**20} MB")
        yield piece


class LiteLLMProvider:
    """One account of a vendor that is reached through LiteLLM."""

    def __init__(self, spec: ProviderSpec, api_key: str) -> None:
        """Remember the account; nothing is imported or opened yet."""
        self._spec = spec
        self._api_key = api_key
        self._witness = _Witness()
        self._lock = threading.Lock()
        self._http: Any = None

    def buy(self, call: ImageCall) -> Delivery:
        """Send exactly one request and return its pictures."""
        whole = Deadline(call.ends_in_s)
        caller = Caller.of(call, self._spec, self._api_key)
        route = _route(call, caller)
        base_url = self._spec.base_url or route.base_url
        litellm, http = self._ready()
        if whole.is_over:
            raise caller.late(call.ends_in_s)
        exchange = _Exchange(deadline=whole.within(call.timeout_s), on_send=call.on_send)
        arguments = {**route.arguments, "model": call.deployment.wire_model, "api_base": base_url, "client": http}
        try:
            reply, failure = self._send(getattr(litellm, route.function), arguments, exchange)
            body = _readable(exchange, failure, caller)
            parcel = route.unpack(reply, body, call, caller)
            delivery = deliver(parcel, call, caller, exchange.deadline, base_url=base_url)
            return replace(delivery, told=exchange.told)
        except ProviderError as error:
            error.told = exchange.told
            raise
        except Exception as odd:  # noqa: BLE001 - a reply may be odd in ways nobody foresaw, after it was paid for
            raise error_of_failure(odd, caller, timeout_s=call.timeout_s) from None

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _send(
        self, send: Callable[..., object], arguments: Mapping[str, object], exchange: _Exchange
    ) -> tuple[object, Exception | None]:
        """Call LiteLLM once; what it raises is handed back, since the answer may be good all the same."""
        self._witness.exchange = exchange
        try:
            reply = send(**arguments, api_key=self._api_key, timeout=exchange.deadline.left_s(), num_retries=0)
        except Exception as failure:  # noqa: BLE001 - LiteLLM wraps whatever happens in classes of its own
            return None, failure
        finally:
            self._witness.exchange = None
        return reply, None

    def _ready(self) -> tuple[Any, Any]:
        litellm = _import()
        with self._lock:
            if self._http is None:
                from litellm.llms.custom_httpx.http_handler import HTTPHandler

                # A redirected POST would be a second one.
                self._http = HTTPHandler(timeout=self._spec.timeout_s, follow_redirects=False)
                self._http.client.event_hooks = {
                    "request": [self._witness.on_request],
                    "response": [self._witness.on_response],
                }
            return litellm, self._http


def litellm_provider(spec: ProviderSpec, api_key: str) -> LiteLLMProvider:
    """Make the ``litellm`` kind."""
    return LiteLLMProvider(spec, api_key)


def _import() -> ModuleType:
    """Import LiteLLM once, without its price list from the network and without a ``.env`` from somewhere above."""
    with _IMPORTING:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        os.environ["LITELLM_MODE"] = "PRODUCTION"
        import litellm

        litellm.suppress_debug_info = True
        # Types that it builds at their first use warn of a detail; where warnings are errors that would fail the call.
        warnings.filterwarnings("ignore", message="Item .* on TypedDict class .* is using the `ReadOnly`")
        return litellm


def _readable(exchange: _Exchange, failure: Exception | None, caller: Caller) -> Mapping[str, object]:
    """Insist on an answer that is a success and a JSON object without an error in it."""
    answer = exchange.answer
    if answer is None:
        unseen = failure or ConnectionError("LiteLLM returned without an answer that was seen")
        if not exchange.posts and not came_from_transport(unseen):
            raise caller.refuse(f"LiteLLM gave up before sending: {caller.clean(str(unseen))}")
        raise error_of_failure(unseen, caller, timeout_s=exchange.deadline.timeout_s)
    if not answer.ok:
        raise error_of_answer(answer, caller)
    if not isinstance(answer.body, dict):
        raise caller.unreadable("the vendor answered 200 with something else than JSON; check base_url")
    if answer.body.get("error"):
        raise error_of_answer(answer, caller)
    return answer.body


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """Which of LiteLLM's functions is called, with what, where, and how its answer is read."""

    function: str
    arguments: Mapping[str, object] = field(repr=False)
    base_url: str
    unpack: Callable[[object, Mapping[str, object], ImageCall, Caller], Parcel]


def _route(call: ImageCall, caller: Caller) -> _Route:
    vendor = call.deployment.wire_model.partition("/")[0]
    if vendor == "gemini":
        arguments = gemini.completion_arguments(call, caller)
        return _Route(function="completion", arguments=arguments, base_url=gemini.BASE_URL, unpack=_unpack_gemini)
    arguments = route_arguments(call, caller)
    function = "image_edit" if call.operation is Operation.EDIT else "image_generation"
    return _Route(function=function, arguments=arguments, base_url=BASE_URLS[vendor], unpack=_unpack_images)


def _unpack_gemini(_: object, body: Mapping[str, object], call: ImageCall, caller: Caller) -> Parcel:
    return gemini.unpack(body, call, caller)


def _unpack_images(reply: object, body: Mapping[str, object], _call: ImageCall, caller: Caller) -> Parcel:
    """Take LiteLLM's reading of the pictures, and from the raw body what it leaves out."""
    if reply is None:
        raise caller.unreadable("the vendor answered 200, but not with pictures that can be read")
    data = getattr(reply, "data", None) or []
    seed = body.get("seed")
    return Parcel(
        entries=[getattr(item, "b64_json", None) or getattr(item, "url", None) for item in data],
        usage=None,
        seed=seed if isinstance(seed, int) else None,
    )
