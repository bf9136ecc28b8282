"""What messages say must be installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from routing.core.extras import EXTRAS, how_to_install

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("extra", EXTRAS)
def test_messages_name_what_the_project_says_of_an_extra(extra: str) -> None:
    assert list(EXTRAS[extra]) == PROJECT["project"]["optional-dependencies"][extra]


def test_the_way_out_needs_no_index_that_knows_this_package() -> None:
    assert how_to_install("sandbox") == (
        "pip install 'starlette>=1,<2' 'uvicorn>=0.40,<1', or, in the folder of image-routing, pip install '.[sandbox]'"
    )
