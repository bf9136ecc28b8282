"""What editors make of the JSON Schemas: a text for every key, and the words that complete a value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # it brings no types
import pytest
from click.testing import CliRunner

from routing.cli.app import app
from routing.config.catalog import packaged_catalog
from routing.config.jsonschema import SCHEMAS, schema_text
from routing.core.window import WindowKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUTER, POLICY = (json.loads(schema_text(SCHEMAS[name])) for name in ("router.schema.json", "policy.schema.json"))


def mappings(schema: object, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a schema that names keys, however deep, and where it is."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield where, schema
        for key, inner in schema.items():
            yield from mappings(inner, f"{where}/{key}")
    elif isinstance(schema, list):
        for at, inner in enumerate(schema):
            yield from mappings(inner, f"{where}/{at}")


def offered(schema: dict[str, Any], entry: str, key: str) -> set[str]:
    """The words an editor completes the value of a key with."""
    field = schema["$defs"][entry]["properties"][key]
    return {word for part in (field, *field.get("anyOf", ())) for word in part.get("enum", ())}


@pytest.mark.parametrize("schema", [ROUTER, POLICY], ids=["router", "policy"])
def test_every_key_however_deep_has_a_text_to_hover_over(schema: dict[str, Any]) -> None:
    silent = [f"{where}: {key}" for where, found in mappings(schema) for key, field in found["properties"].items()
              if not field.get("description")]  # fmt: skip
    assert silent == []


@pytest.mark.parametrize("schema", [ROUTER, POLICY], ids=["router", "policy"])
def test_an_unknown_key_is_marked_wherever_it_stands(schema: dict[str, Any]) -> None:
    assert [where for where, found in mappings(schema) if found.get("additionalProperties") is not False] == []


@pytest.mark.parametrize(
    ("schema", "entry", "key", "words"),
    [
        (ROUTER, "ProviderEntry", "kind", {"openai", "azure", "litellm"}),
        (ROUTER, "BudgetEntry", "window", {kind.value for kind in WindowKind if kind is not WindowKind.ROLLING}),
        (ROUTER, "BudgetEntry", "on_budget", {"downgrade", "refuse"}),
        (ROUTER, "AlertEntry", "kind", {"log", "webhook", "slack", "email"}),
        (ROUTER, "LedgerEntry", "on_expiry", {"settle", "release"}),
        (ROUTER, "DeploymentEntry", "model", {*packaged_catalog().names()}),
        (ROUTER, "DeploymentEntry", "quality", {"low", "medium", "high"}),
        (POLICY, "RouteEntry", "pick", {"first", "cheapest"}),
        (POLICY, "RouteEntry", "on_budget", {"downgrade", "refuse"}),
        (POLICY, "AskEntry", "quality", {"low", "medium", "high"}),
        (POLICY, "ExpectEntry", "refused", {"RequestError", "NoCandidate"}),
    ],
)
def test_closed_sets_of_words_complete(schema: dict[str, Any], entry: str, key: str, words: set[str]) -> None:
    assert words <= offered(schema, entry, key)


def test_a_model_that_only_a_later_catalog_knows_is_not_marked() -> None:
    model = ROUTER["$defs"]["DeploymentEntry"]["properties"]["model"]
    jsonschema.validate("next-years-model", model)


def test_what_init_writes_names_schemas_that_are_there_and_are_the_packages_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    for file in (tmp_path / "router.yaml", *(tmp_path / "policies").glob("*.yaml")):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert named
        schema = (file.parent / named[1]).resolve()
        assert schema.read_text(encoding="utf-8") == schema_text(SCHEMAS[schema.name])


def test_each_variable_is_shown_by_a_name_that_suits_it() -> None:
    shown = {
        f"{entry}.{key}": field.get("examples")
        for entry, found in ROUTER["$defs"].items()
        for key, field in found.get("properties", {}).items()
        if key.endswith("_env")
    }
    assert shown == {
        "ProviderEntry.api_key_env": ["OPENAI_API_KEY"],
        "ProviderEntry.base_url_env": ["OPENAI_BASE_URL"],
        "LedgerEntry.url_env": ["LEDGER_URL"],
        "LedgerEntry.seal_key_env": ["SEAL_KEY"],
        "LimitsEntry.url_env": ["LIMITS_URL", "REDIS_URL"],
        "CacheEntry.endpoint_env": ["R2_ENDPOINT"],
        "AlertEntry.url_env": ["SPEND_WEBHOOK_URL", "SLACK_WEBHOOK_URL", "APPRISE_URL"],
        "AlertEntry.secret_env": ["SPEND_WEBHOOK_SECRET"],
        "AlertEntry.user_env": ["SMTP_USER"],
        "AlertEntry.password_env": ["SMTP_PASSWORD"],
    }
