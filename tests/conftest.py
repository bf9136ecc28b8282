"""What every test starts from."""

from __future__ import annotations

import os

from hypothesis import settings

FROM_OUTSIDE = ("GEMINI_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "SPEND_WEBHOOK_URL")


def pytest_configure() -> None:
    """Keep a developer's own keys away from tests, and let a busy machine be slow without being wrong."""
    for name in FROM_OUTSIDE:
        os.environ.pop(name, None)
    settings.register_profile("routing", deadline=None)
    settings.load_profile("routing")
