"""What the disk takes, to be read beside every figure that waits for it."""

from __future__ import annotations

import os
import statistics
import tempfile
import time


def fsync_ms(folder: str, times: int = 200) -> float:
    """Median of one wait for the disk in a folder, in milliseconds."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    return statistics.median(took) * 1e3
