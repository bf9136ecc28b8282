"""The sandbox as the command line uses it: whether it can run, and the environment that leads the router to it."""

from __future__ import annotations

from routing.cli.errors import NotInstalled
from routing.core.extras import how_to_install

KEY = "sandbox"
"""Any key will do there; it opens nothing elsewhere."""

KEYS = ("OPENAI_API_KEY", "GEMINI_API_KEY", "FAL_KEY")
BASES = {"OPENAI_BASE_URL": "/v1", "GEMINI_BASE_URL": "/v1beta", "FAL_BASE_URL": "/fal"}
"""The variables of the shipped router.yaml, and where in the sandbox each vendor is found."""


def environment(url: str) -> dict[str, str]:
    """Name the variables that lead the shipped ``router.yaml`` to a sandbox."""
    return {**dict.fromkeys(KEYS, KEY), **{name: f"{url}{path}" for name, path in BASES.items()}}


def require_sandbox() -> None:
    """Make sure that the sandbox can run.

    Raises:
        NotInstalled: where its web server is missing, with what to install.

    """
    try:
        import routing.sandbox  # noqa: F401 - only whether it can be imported
    except ModuleNotFoundError as missing:
        raise NotInstalled(
            f"the sandbox needs {missing.name}, which is not installed: {how_to_install('sandbox')}"
        ) from missing
