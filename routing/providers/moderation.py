"""OpenAI's moderation of prompts, through the openai SDK: free, and one request for each look.

Only the words are sent. Reference: https://developers.openai.com/api/docs/guides/moderation, as of 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.errors import Charged, ProviderError, ProviderUnavailable
from routing.providers.base import Verdict
from routing.providers.deadline import CONNECT_S, Deadline
from routing.providers.openai import OPENAI_URL, SdkClient, connect_openai, read_answer, readable, translated
from routing.providers.translate import Caller

if TYPE_CHECKING:
    from routing.providers.base import ProviderSpec

MODEL = "omni-moderation-latest"
CATEGORIES_AT_MOST = 20
CATEGORY_CHARS_AT_MOST = 60
"""A verdict has thirteen names, none as long; what is longer is no name of a category."""


class OpenAIModerator:
    """One account's ``/moderations``."""

    def __init__(self, spec: ProviderSpec, api_key: str) -> None:
        """Remember how to connect; nothing is imported or opened yet."""
        self._spec = spec
        self._api_key = api_key
        self._client = SdkClient(lambda: connect_openai(spec.base_url or OPENAI_URL, api_key))

    def look(self, prompt: str, timeout_s: float) -> Verdict:
        """Send exactly one request."""
        name = f"moderation by {self._spec.name}"
        caller = Caller(deployment=name, api_key_env=self._spec.api_key_env, secret=self._api_key, prompt=prompt)
        if not self._api_key:
            told = f"{name}: no key: set {self._spec.api_key_env}"
            raise ProviderUnavailable(told, deployment=name, charged=Charged.NO)
        deadline = Deadline(timeout_s)
        try:
            return self._ask(prompt, caller, deadline)
        except ProviderError:
            raise
        except Exception as failure:  # noqa: BLE001 - the SDK and what it stands on raise types of two libraries
            raise translated(failure, caller, deadline) from None

    def close(self) -> None:
        """Close the SDK's connections."""
        self._client.close()

    def _ask(self, prompt: str, caller: Caller, deadline: Deadline) -> Verdict:
        from openai import Timeout

        left_s = deadline.left_s()
        timeout = Timeout(left_s, connect=min(CONNECT_S, left_s))
        moderations = self._client.ready().moderations.with_streaming_response
        with moderations.create(model=MODEL, input=prompt, timeout=timeout) as response:
            answer = read_answer(response, deadline)
        return _verdict(readable(answer, caller).get("results"), caller)


def _verdict(results: object, caller: Caller) -> Verdict:
    """Read the one result of the one prompt that was sent; anything else is no verdict."""
    found = results[0] if isinstance(results, list) and len(results) == 1 else None
    flagged = found.get("flagged") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(flagged, bool):
        raise caller.unreadable("the answer has no verdict")
    categories = found.get("categories")
    named = categories.items() if isinstance(categories, dict) else ()
    names = (caller.clean(name)[:CATEGORY_CHARS_AT_MOST] for name, holds in named if holds is True)
    return Verdict(flagged=flagged, categories=tuple(names)[:CATEGORIES_AT_MOST] if flagged else ())
