"""OpenAI, Azure, and whoever speaks the Images API: generations and edits through the openai SDK.

The SDK builds and sends the request; the answer is read here, as bytes, because the SDK takes anything for a success:
a web page, an error in a 200, a list without pictures.

Every wait ends in time: connecting after at most ten seconds, each silence of the vendor at the deadline, and while a
body comes in the deadline is looked at after every piece. A vendor that drips headers byte by byte could still hold a
call to less than twice its time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from routing.errors import ProviderError
from routing.providers.answers import BODY_BYTES_AT_MOST, Answer, decoded
from routing.providers.deadline import CONNECT_S, Deadline
from routing.providers.delivery import Parcel, deliver
from routing.providers.dialects import order_of
from routing.providers.stream import EVENT_STREAM, read_events
from routing.providers.tasks import task_id_of, wait_for
from routing.providers.translate import Caller, error_of_answer, error_of_failure
from routing.providers.usage import openai_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from openai import APIResponse, OpenAI
    from openai.types import ImagesResponse

    from routing.core.pacing import Told
    from routing.providers.base import Delivery, ImageCall, ProviderSpec
    from routing.providers.dialects import Order

OPENAI_URL = "https://api.openai.com/v1"
AZURE_API_VERSION = "2025-04-01-preview"
"""The first version of Azure's dated form that has image edits for the gpt-image models."""


class SdkClient:
    """The SDK's client, made when it is first needed: importing it takes a second, on a busy machine more."""

    def __init__(self, connect: Callable[[], OpenAI]) -> None:
        """Import and open nothing yet."""
        self._connect = connect
        self._lock = threading.Lock()
        self._made: OpenAI | None = None

    def ready(self) -> OpenAI:
        """Give it, made now or before."""
        with self._lock:
            if self._made is None:
                self._made = self._connect()
            return self._made

    def close(self) -> None:
        """Close its connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None


class OpenAIProvider:
    """One account of a vendor that speaks the Images API; ``connect`` makes its SDK client."""

    def __init__(self, spec: ProviderSpec, api_key: str, base_url: str, connect: Callable[[], OpenAI]) -> None:
        """Remember how to connect; nothing is imported or opened yet."""
        self._spec = spec
        self._api_key = api_key
        self._base_url = base_url
        self._client = SdkClient(connect)

    def buy(self, call: ImageCall) -> Delivery:
        """Send exactly one request and return its pictures; a task is looked at until it is done."""
        whole = Deadline(call.ends_in_s)
        caller = Caller.of(call, self._spec, self._api_key)
        order = order_of(call, caller)
        client = self._client.ready()
        if whole.is_over:
            raise caller.late(call.ends_in_s)
        deadline = whole.within(call.timeout_s)
        purchase = _Purchase(client=client, call=call, caller=caller, deadline=deadline)
        try:
            delivery = deliver(purchase.parcel(order), call, caller, deadline, base_url=self._base_url)
            return replace(delivery, told=purchase.told)
        except ProviderError as error:
            error.vendor_request_id = error.vendor_request_id or purchase.request_id
            error.told = error.told or purchase.told
            raise
        except Exception as failure:  # noqa: BLE001 - the SDK and what it stands on raise types of two libraries
            told = translated(failure, caller, deadline)
            told.vendor_request_id = told.vendor_request_id or purchase.request_id
            raise told from None

    def close(self) -> None:
        """Close the SDK's connections."""
        self._client.close()


@dataclass(slots=True, kw_only=True)
class _Purchase:
    """One call on its way: sent once, read, and where the vendor works by tasks waited for.

    ``request_id`` is the vendor's word for it, as soon as it is known: what is lost later is found on the bill by it.
    """

    client: OpenAI
    call: ImageCall
    caller: Caller
    deadline: Deadline
    request_id: str = ""
    told: tuple[Told, ...] = ()

    def parcel(self, order: Order) -> Parcel:
        """Send the order and unpack what comes back."""
        with self._open(order) as response:
            headers = _headers(response)
            begun = Answer(status=response.status_code, headers=headers)
            self.request_id, self.told = begun.request_id, begun.told
            if headers.get("content-type", "").startswith(EVENT_STREAM):
                pieces = _pieces(response, self.deadline)
                answer = read_events(pieces, self.caller, self.call.on_partial, headers)
            else:
                answer = read_answer(response, self.deadline)
        reply = readable(answer, self.caller)
        task_id = task_id_of(reply)
        self.request_id = self.request_id or task_id or ""
        if task_id is None:
            return self._unpack(reply)
        task = wait_for(task_id, self._look, self.deadline, self.caller)
        return Parcel(entries=task.entries, usage=None, vendor_request_id=self.request_id)

    def _open(self, order: Order) -> AbstractContextManager[APIResponse[ImagesResponse]]:
        from openai import Timeout, omit

        left_s = self.deadline.left_s()
        timeout = Timeout(left_s, connect=min(CONNECT_S, left_s))
        images = self.client.images.with_streaming_response
        model, prompt = self.call.deployment.wire_model, self.call.prompt
        self.call.on_send()
        # Parameters go as ``extra_body``: SDK 2.x has no keyword for the youngest ones, and its types lag behind.
        if not order.files:
            return images.generate(model=model, prompt=prompt, extra_body=order.parameters, timeout=timeout)
        return images.edit(
            model=model,
            prompt=prompt,
            image=list(order.files) if len(order.files) > 1 else order.files[0],
            mask=order.mask or omit,
            extra_body=order.parameters,
            timeout=timeout,
        )

    def _unpack(self, reply: Mapping[str, object]) -> Parcel:
        data = reply.get("data")
        entries = data if isinstance(data, list) else []
        made = max(self.call.n, len(entries))
        usage = openai_usage(reply.get("usage"), with_images=bool(self.call.images), images=made)
        if not isinstance(data, list):
            raise self.caller.unreadable("the answer has no list of pictures", usage)
        first = entries[0] if entries and isinstance(entries[0], dict) else {}
        revised, seed = first.get("revised_prompt"), reply.get("seed")
        return Parcel(
            entries=[_entry(entry) for entry in entries],
            usage=usage,
            revised_prompt=revised if isinstance(revised, str) else None,
            seed=seed if isinstance(seed, int) else None,
            vendor_request_id=self.request_id or None,
        )

    def _look(self, task_id: str) -> Answer:
        """Ask about a task once; what stands in the way is an answer too, since a look costs nothing."""
        from openai import APIConnectionError, APIStatusError

        client = self.client.with_options(timeout=self.deadline.left_s())
        try:
            response = client.get(f"/tasks/{task_id}", cast_to=object)
        except APIStatusError as refused:
            return Answer(status=refused.status_code, body=refused.body)
        except (APIConnectionError, ValueError):
            return Answer(status=503)
        return Answer(status=200, body=response)


def openai_provider(spec: ProviderSpec, api_key: str) -> OpenAIProvider:
    """Make the ``openai`` kind: OpenAI itself, or any base that speaks its Images API."""
    base_url = spec.base_url or OPENAI_URL
    return OpenAIProvider(spec, api_key, base_url, lambda: connect_openai(base_url, api_key))


def connect_openai(base_url: str, api_key: str) -> OpenAI:
    """Make the SDK's client: it sends each request once."""
    from openai import DefaultHttpxClient, OpenAI

    return OpenAI(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        http_client=DefaultHttpxClient(follow_redirects=False),  # a redirected POST would be a second one
    )


def azure_provider(spec: ProviderSpec, api_key: str) -> OpenAIProvider:
    """Make the ``azure`` kind: a resource's endpoint with dated versions, or its ``/openai/v1`` base."""
    base_url = spec.base_url or ""

    def connect() -> OpenAI:
        from openai import AzureOpenAI, DefaultHttpxClient, OpenAI

        http_client = DefaultHttpxClient(follow_redirects=False)
        if urlsplit(base_url).path.rstrip("/").endswith("/v1"):
            return OpenAI(
                api_key=api_key,
                base_url=base_url,
                max_retries=0,
                http_client=http_client,
                default_headers={"api-key": api_key},
            )
        return AzureOpenAI(
            api_key=api_key,
            azure_endpoint=base_url,
            api_version=spec.options.get("api_version", AZURE_API_VERSION),
            max_retries=0,
            http_client=http_client,
        )

    return OpenAIProvider(spec, api_key, base_url, connect)


def read_answer(response: APIResponse[Any], deadline: Deadline) -> Answer:
    """Read a body that comes in one piece, within its bounds and its time."""
    body = bytearray()
    for piece in _pieces(response, deadline):
        body += piece
        if len(body) > BODY_BYTES_AT_MOST:
            return Answer(status=response.status_code, body=f"more than {BODY_BYTES_AT_MOST // 2**20} MB")
    headers = _headers(response)
    return Answer(status=response.status_code, headers=headers, body=decoded(body), elapsed_s=deadline.elapsed_s)


def _pieces(response: APIResponse[Any], deadline: Deadline) -> Iterator[bytes]:
    """Yield a body as it comes, as long as there is time."""
    http = response.http_response
    # The transport takes its timeout from here when the body begins: what is left, not what there was.
    http.request.extensions.get("timeout", {})["read"] = deadline.left_s()
    most = BODY_BYTES_AT_MOST
    for piece in response.iter_bytes():  # as they come: a fixed size would wait until a piece is full
        deadline.left_s()
        yield piece
        most -= len(piece)
        if most < 0:
            return


def _headers(response: APIResponse[Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def readable(answer: Answer, caller: Caller) -> Mapping[str, object]:
    """Insist on a JSON object without an error in it."""
    if not isinstance(answer.body, dict):
        what = "a web page" if isinstance(answer.body, str) and answer.body.lstrip()[:1] == "<" else "no JSON object"
        raise caller.unreadable(f"the vendor answered {answer.status} with {what} instead of pictures; check base_url")
    if answer.body.get("error"):
        raise error_of_answer(answer, caller)
    return answer.body


def _entry(item: object) -> object:
    return (item.get("b64_json") or item.get("url")) if isinstance(item, dict) else None


def translated(failure: Exception, caller: Caller, deadline: Deadline) -> ProviderError:
    """Translate what the SDK or its transport raised."""
    status, response = getattr(failure, "status_code", None), getattr(failure, "response", None)
    if not isinstance(status, int) or response is None:
        return error_of_failure(failure, caller, timeout_s=deadline.timeout_s)
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    body = getattr(failure, "body", None)
    return error_of_answer(Answer(status=status, headers=headers, body=body, elapsed_s=deadline.elapsed_s), caller)
