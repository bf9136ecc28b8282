"""The files we ship work as they are, and so do their commented-out examples."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it brings no types
import pytest

from routing.config.document import read_document
from routing.config.jsonschema import FOLDER, SCHEMAS, schema_text
from routing.config.load import RouterConfig, load, run_policy_tests
from routing.core.features import features_of
from routing.core.plan import decide
from routing.core.request import ImageRequest

ROOT = Path(__file__).parents[2]
POLICIES = sorted(path.name for path in (ROOT / "policies").glob("*.yaml"))
TODAY = date(2026, 11, 21)

POLICY: dict[str, object] = {"version": 1, "importance": ["a"], "routes": {}}

each_policy = pytest.mark.parametrize("name", POLICIES)


def loaded(folder: Path, name: str, env: dict[str, str], router: str | None = None) -> RouterConfig:
    """Load the shipped router.yaml with one of the shipped policies."""
    text = router or (ROOT / "router.yaml").read_text(encoding="utf-8")
    policy = (ROOT / "policies" / name).as_posix()
    (folder / "router.yaml").write_text(text.replace("policies/default.yaml", policy), encoding="utf-8")
    return load(folder / "router.yaml", env, today=TODAY)


def test_three_policies_are_shipped() -> None:
    assert POLICIES == ["default.yaml", "nano-banana-drafts.yaml", "single-model.yaml"]


@each_policy
def test_a_shipped_policy_loads_without_a_warning_and_its_tests_hold(name: str, tmp_path: Path) -> None:
    config = loaded(tmp_path, name, {})
    assert config.warnings == ()
    assert run_policy_tests(config) == []
    assert len(config.tests) >= 5


@each_policy
@pytest.mark.parametrize("importance", ["draft", "review", "final"])
def test_with_the_key_of_openai_alone_every_importance_is_served(name: str, importance: str, tmp_path: Path) -> None:
    config = loaded(tmp_path, name, {"OPENAI_API_KEY": "set"})
    plan = decide(config.settings, features_of(ImageRequest(prompt="a fox", importance=importance)), TODAY)
    assert plan.candidates[0].deployment.provider == "openai"


def test_with_every_key_a_plain_draft_goes_to_the_cheapest(tmp_path: Path) -> None:
    keys = {"OPENAI_API_KEY": "set", "GEMINI_API_KEY": "set", "FAL_KEY": "set"}
    plan = decide(
        loaded(tmp_path, "default.yaml", keys).settings,
        features_of(ImageRequest(prompt="a fox", importance="draft")),
        TODAY,
    )
    assert [each.deployment.name for each in plan.candidates] == [
        "flux-schnell",
        "gpt-image-2.5-flare",
        "gpt-image-2",
        "nano-banana",
    ]


def test_the_commented_out_examples_work_too(tmp_path: Path) -> None:
    text = (ROOT / "router.yaml").read_text(encoding="utf-8")
    examples = re.sub(r"(?m)^  # (?=[-a-z0-9]+: \{)", "  ", text)
    examples = re.sub(r"prices: \[\]", "prices:", examples).replace("  # - {", "  - {")
    config = loaded(tmp_path, "default.yaml", {"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com"}, examples)
    assert {"gpt-image-2-azure", "gpt-image-2-apimart"} <= set(config.settings.deployments)
    assert config.providers["azure"].base_url == "https://x.openai.azure.com"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_the_schemas_for_editors_are_the_models_own(name: str) -> None:
    """If this fails: python -m routing.config.jsonschema."""
    assert (FOLDER / name).read_text(encoding="utf-8") == schema_text(SCHEMAS[name])


@pytest.mark.parametrize("path", ["router.yaml", *(f"policies/{name}" for name in POLICIES)])
def test_a_shipped_file_names_its_schema_first_and_keeps_to_it(path: str) -> None:
    file = ROOT / path
    first = file.read_text(encoding="utf-8").splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named
    schema = json.loads((file.parent / named[1]).read_text(encoding="utf-8"))
    data = json.loads(json.dumps(read_document(path, file.read_bytes()).data, default=float))
    jsonschema.Draft202012Validator(schema).validate(data)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_key_has_a_text_to_hover_over(name: str) -> None:
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    for entry in (schema, *schema["$defs"].values()):
        for key, field in entry.get("properties", {}).items():
            assert field.get("description"), key


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (
            "policy.schema.json",
            {"version": 1, "importance": ["a"], "sort": [{"when": {"n": {"at_leest": 1}}}], "routes": {}},
        ),
        ("policy.schema.json", {"version": 1, "importance": ["a"], "sort": [{"when": {"n": "many"}}], "routes": {}}),
        ("router.schema.json", {"version": 1, "policy": "p", "providers": {}, "deployments": {}}),
    ],
)
def test_an_editor_marks_what_loading_would_refuse(name: str, wrong: dict[str, object]) -> None:
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)
