"""A bucket on loopback for tests: one server for a whole test run, a bucket of its own for each test."""

from __future__ import annotations

import logging
import urllib.request
from functools import cache
from itertools import count

import pytest

from routing.cache.s3 import Bucket

_numbers = count(1)


@cache
def _address() -> str:
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    made = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    return f"http://{host}:{port}"


def new_bucket(prefix: str = "pictures/of ours") -> Bucket:
    """Make an empty bucket."""
    name = f"bucket-{next(_numbers)}"
    made = urllib.request.Request(f"{_address()}/{name}", method="PUT")  # noqa: S310 - an address of our own
    with urllib.request.urlopen(made):  # noqa: S310 - as above
        return bucket_at(_address(), name, prefix)


def bucket_at(endpoint: str, name: str = "pictures", prefix: str = "") -> Bucket:
    """Name a bucket of a service, be it there or not."""
    return Bucket(
        name=name, prefix=prefix, endpoint=endpoint, region="us-east-1", access_key_id="id", secret_access_key="secret"
    )
