"""What is not installed by itself, and how to get it."""

from __future__ import annotations

EXTRAS = {
    "apprise": ("apprise>=1.9,<3",),
    "parquet": ("pyarrow>=22",),
    "postgres": ("psycopg[binary]>=3.2,<4",),
    "redis": ("redis>=7,<9",),
    "s3": ("obstore>=0.10,<1",),
    "sandbox": ("starlette>=1,<2", "uvicorn>=0.40,<1"),
}
"""The extras that messages name, as `pyproject.toml` has them: a test compares."""


def how_to_install(extra: str) -> str:
    """Say it so that it can be done beside a checkout, a wheel or a package of an index."""
    libraries = " ".join(f"'{library}'" for library in EXTRAS[extra])
    return f"pip install {libraries}, or, in the folder of image-routing, pip install '.[{extra}]'"
