"""`python -m routing.sandbox`: a sandbox in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys

from routing.sandbox.server import DEFAULT_PORT, serve
from routing.sandbox.settings import Settings

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Read the options, say where the sandbox is in one line of JSON, and serve."""
    parser = argparse.ArgumentParser(prog="python -m routing.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 picks a free one")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before every answer")
    parser.add_argument("--images-per-minute", type=int, metavar="N", help="per model; beyond it, 429")
    parser.add_argument("--pictures", default="drawn", help="drawn, flat or padded:BYTES")
    parser.add_argument("--cached-share", type=float, default=0.0, help="of text tokens, 0 to 1")
    parser.add_argument("--no-output-details", action="store_true", help="leave output_tokens_details out")
    parser.add_argument("--polls", type=int, default=2, metavar="N", help="until an APIMart task is done")
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process is the parent no more")
    asked = parser.parse_args(arguments)
    settings = Settings(
        latency_s=asked.latency,
        images_per_minute=asked.images_per_minute,
        pictures=asked.pictures,
        cached_share=asked.cached_share,
        output_details=not asked.no_output_details,
        polls=asked.polls,
    )
    try:
        serve(port=asked.port, settings=settings, announce=_announce, parent_pid=asked.parent)
    except KeyboardInterrupt:
        return


def _announce(port: int) -> None:
    where = {"url": f"http://127.0.0.1:{port}", "port": port, "pid": os.getpid()}
    sys.stdout.write(json.dumps(where) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
