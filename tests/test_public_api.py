"""The facade: what it exports, and that nothing heavy hides behind it."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module

import pytest

import routing
from routing import errors

HEAVY = ("litellm", "openai", "PIL", "rich", "click", "asyncio", "starlette", "uvicorn")


def test_all_is_sorted_and_every_name_is_where_the_facade_says() -> None:
    assert routing.__all__ == sorted(routing.__all__)
    assert set(routing.__all__) == set(routing._HOMES)
    for name, home in routing._HOMES.items():
        assert getattr(routing, name) is getattr(import_module(home), name)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(inspect.getsource(routing))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == routing._HOMES


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="open_ruoter"):
        _ = routing.open_ruoter  # type: ignore[attr-defined]  # that is the point
    assert set(routing.__all__) <= set(dir(routing))


def test_every_error_is_exported_and_drawn_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, errors.RoutingError):
            assert name in routing.__all__
            assert name in drawn


def test_everything_public_says_what_it_is() -> None:
    for name in routing.__all__:
        thing = getattr(routing, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing) and thing.__module__.startswith("routing"):
            for attribute, value in vars(thing).items():
                if inspect.isfunction(value) and not attribute.startswith("_"):
                    assert inspect.getdoc(value), f"{name}.{attribute}"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, routing; routing.open_router; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_call_has_a_twin_of_the_same_shape() -> None:
    for name in ("quote", "generate", "edit", "promote", "generate_many", "spend"):
        ours = inspect.signature(getattr(routing.Router, name))
        twin = inspect.signature(getattr(routing.Router, f"a{name}"))
        assert list(ours.parameters) == list(twin.parameters), name
