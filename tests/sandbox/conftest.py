"""One sandbox for all tests here, as good as new for each."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import httpx
import pytest
from openai import DefaultHttpxClient, OpenAI

from routing.sandbox import Sandbox
from tests.sandbox.samples import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@pytest.fixture(scope="session")
def litellm() -> ModuleType:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm  # noqa: PLC0415 - it takes seconds
    litellm.suppress_debug_info = True
    return litellm


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[OpenAI]:
    """The vendor's real SDK, which never retries here."""
    plain = DefaultHttpxClient(verify=NO_CERTIFICATES)
    with OpenAI(
        base_url=sandbox.openai_base_url, api_key="sk-test", max_retries=0, timeout=5, http_client=plain
    ) as client:
        yield client


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Plain HTTP, for what the SDKs would never send."""
    with httpx.Client(
        base_url=sandbox.url, headers={"authorization": "Bearer sk-test"}, timeout=5, verify=NO_CERTIFICATES
    ) as http:
        yield http
