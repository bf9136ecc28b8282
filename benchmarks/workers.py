"""Processes that work at the same time: each says that it is ready, and they begin at one word."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def work_together(
    command: Sequence[str], processes: int, *, within_s: float, env: Mapping[str, str] | None = None
) -> list[str]:
    """Run a command in several processes, and return what each has printed after its ``ready``.

    Each prints ``ready``, waits for a line, and works. None is left running where one of them fails.
    """
    with ExitStack() as ending:
        workers = []
        for _ in range(processes):
            worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            ending.callback(worker.wait)
            ending.callback(worker.kill)  # does nothing to one that has ended
            workers.append(worker)
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return [worker.communicate(timeout=within_s)[0] for worker in workers]
