"""Vendors that answer with a task instead of pictures (APIMart), and how a task is waited for.

Shapes: https://docs.apimart.ai, "Get task status", as of 2026-11. What becomes of a task that nobody waits for to its
end is not known: it counts as charged unless the vendor says that it failed, which APIMart refunds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.errors import Charged, ProviderUnavailable
from routing.providers.answers import Answer
from routing.providers.translate import error_of_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.errors import ProviderError
    from routing.providers.deadline import Deadline
    from routing.providers.translate import Caller

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 3.0
_DONE = frozenset({"completed", "succeeded", "success"})
_FAILED = frozenset({"failed", "cancelled", "canceled", "error"})
_FAILED_LOOKS_AT_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A finished task: its pictures by address."""

    entries: tuple[object, ...]


def task_id_of(reply: object) -> str | None:
    """Recognise a task reply, ``{"code": 200, "data": [{"status": "submitted", "task_id": ...}]}``."""
    data = reply.get("data") if isinstance(reply, dict) else None
    first = data[0] if isinstance(data, list) and data else data
    task_id = first.get("task_id") if isinstance(first, dict) else None
    return task_id if isinstance(task_id, str) and task_id.replace("_", "").replace("-", "").isalnum() else None


def wait_for(task_id: str, look: Callable[[str], Answer], deadline: Deadline, caller: Caller) -> Task:
    """Look at a task until it is done; ``look`` asks the vendor once.

    Raises:
        DeadlinePassed: where it takes longer than the call may.
        ProviderError: where the task failed, or can no longer be looked at.

    """
    pause_s = FIRST_PAUSE_S
    failures = 0
    while True:
        deadline.pause(pause_s)
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
        answer = look(task_id)
        data = answer.body.get("data") if isinstance(answer.body, dict) else None
        if not answer.ok or not isinstance(data, dict):
            # A look costs nothing: it may fail a few times before the task is given up, whose outcome stays unknown.
            failures += 1
            if failures > _FAILED_LOOKS_AT_MOST or answer.status in (401, 403, 404):
                raise _lost(task_id, answer, caller)
            continue
        status = str(data.get("status", "")).lower()
        if status in _DONE:
            return Task(entries=_entries(data))
        if status in _FAILED:
            raise _failed(Answer(status=422, body=data, elapsed_s=deadline.elapsed_s), caller)


def _entries(data: dict[str, object]) -> tuple[object, ...]:
    """Collect the addresses: ``result.images[].url`` is one address or a list of them."""
    result = data.get("result")
    images = result.get("images") if isinstance(result, dict) else None
    entries: list[object] = []
    for image in images if isinstance(images, list) else ():
        url = image.get("url") if isinstance(image, dict) else image
        entries.extend(url if isinstance(url, list) else [url])
    return tuple(entries)


def _failed(answer: Answer, caller: Caller) -> ProviderError:
    """A task that the vendor calls failed is refunded, whatever made it fail."""
    error = error_of_answer(answer, caller)
    if answer.is_moderation or answer.is_out_of_money:
        return error
    quoted = caller.clean(answer.text)
    return ProviderUnavailable(
        f"{caller.deployment}: the vendor's task failed" + (f'; it says "{quoted}"' if quoted else ""),
        deployment=caller.deployment,
        retryable=True,
        charged=Charged.NO,
    )


def _lost(task_id: str, answer: Answer, caller: Caller) -> ProviderError:
    return ProviderUnavailable(
        f"{caller.deployment}: the vendor took the order as task {task_id}, which it does not show any more "
        f"(HTTP {answer.status}); whether it charged is unknown",
        deployment=caller.deployment,
        status_code=answer.status,
        charged=Charged.UNKNOWN,
    )
