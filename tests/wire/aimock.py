"""A vendor that nobody here wrote: aimock, started as a child process and ended by its handle."""

from __future__ import annotations

import base64
import json
import os
import queue
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from routing.core.picture import Size
from routing.testing import plain_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).parent / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
STARTS_WITHIN_S = 30.0
ENDS_WITHIN_S = 5.0

SIZES = ("1024x1024", "1536x1024", "1024x1536", "2048x1152", "2048x2048", "3840x2160")
COUNTS = (1, 2, 4)


def why_not() -> str:
    """Say why it cannot run here; empty where it can."""
    if shutil.which("node") is None:
        return "there is no Node here: install Node 20.15 or newer, then run scripts/wire"
    if not PROGRAM.exists():
        return "aimock is not installed: scripts/wire does it, with npm"
    return ""


@contextmanager
def aimock(folder: Path) -> Iterator[str]:
    """Run it on a free port of loopback and yield its URL; it answers every size and number of pictures we ask for."""
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps(_fixtures()), encoding="utf-8")
    node = shutil.which("node")
    assert node, why_not()
    process = subprocess.Popen(
        [node, PROGRAM, "--port", "0", "--fixtures", fixtures, "--validate-on-load"],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", "")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=_listen, args=(process, told), daemon=True)
    reader.start()
    try:
        url = told.get(timeout=STARTS_WITHIN_S)
        assert url.startswith("http"), f"aimock did not start: {url}"
        yield url
    finally:
        process.kill()  # a polite end would wait for answers it still delays
        process.wait(ENDS_WITHIN_S)
        reader.join(ENDS_WITHIN_S)
        assert process.stdout is not None
        process.stdout.close()


def _listen(process: subprocess.Popen[str], told: queue.SimpleQueue[str]) -> None:
    """Read what it prints as long as it lives (a full pipe would stop it); tell where it listens, or its last words."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"listening on (http://\S+)", line):
            told.put(found[1])
    told.put("".join(said[-5:]))


def _fixtures() -> dict[str, object]:
    """One answer for each size and number; whoever asks for another gets one square picture: it reads neither."""
    encoded = {size: base64.b64encode(_png(size)).decode() for size in SIZES}
    listed: list[dict[str, object]] = [
        {
            "match": {"endpoint": "image", "context": f"{size} x{n}"},
            "response": {"images": [{"b64Json": encoded[size]}] * n},
        }
        for size in SIZES
        for n in COUNTS
    ]
    anything = {"match": {"endpoint": "image"}, "response": {"image": {"b64Json": encoded[SIZES[0]]}}}
    return {"fixtures": [*listed, anything]}


def _png(text: str) -> bytes:
    size = Size.parse(text)
    assert size
    return plain_picture(size).data
