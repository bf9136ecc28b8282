"""Which provider looks at prompts: the one that is named, or one that goes to OpenAI itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from routing.config.load import RouterConfig, load
from routing.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

OWN = "{kind: openai, api_key_env: OWN_KEY, base_url_env: OWN_URL}"
SECOND = "{kind: openai, api_key_env: SECOND_KEY, base_url: https://eu.api.openai.com/v1}"
FOREIGN = "{kind: openai, api_key_env: FOREIGN_KEY, base_url: https://proxy.example.com/v1}"
AZURE = "{kind: azure, api_key_env: AZURE_KEY, base_url: https://r.openai.azure.com}"
POLICY = """\
version: 1
importance: [draft, final]
sort: [{importance: draft}]
moderate: [final]
routes:
  draft: [{use: [gpt-image-2]}]
  final: [{use: [gpt-image-2]}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def read(folder: Path, providers: dict[str, str], moderation: str = "", **env: str) -> RouterConfig:
    lines = ["version: 1", "policy: policy.yaml", "providers:"]
    lines += [f"  {name}: {entry}" for name, entry in providers.items()]
    first = next(iter(providers))
    lines += ["deployments:", f"  gpt-image-2: {{provider: {first}, model: gpt-image-2}}"]
    lines += [f"moderation: {{provider: {moderation}}}"] if moderation else []
    (folder / "router.yaml").write_text("\n".join(lines), encoding="utf-8")
    return load(folder / "router.yaml", env, today=date(2026, 11, 21))


def refused(folder: Path, providers: dict[str, str], moderation: str = "", **env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, providers, moderation, **env)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("env", "chosen"),
    [
        ({}, "own"),
        ({"OWN_KEY": "k", "SECOND_KEY": "k"}, "own"),
        ({"SECOND_KEY": "k"}, "second"),
        ({"OWN_KEY": " ", "SECOND_KEY": "k"}, "second"),
        # Who leads the first account somewhere else has not said that prompts may be looked at there.
        ({"OWN_KEY": "k", "OWN_URL": "https://proxy.example.com/v1"}, "second"),
    ],
)
def test_unasked_it_is_the_first_that_goes_to_openai_itself_and_has_a_key(
    folder: Path, env: dict[str, str], chosen: str
) -> None:
    providers = {"foreign": FOREIGN, "azure": AZURE, "own": OWN, "second": SECOND}
    assert read(folder, providers, **env).moderator == chosen


def test_the_one_that_is_named_is_taken_wherever_it_goes(folder: Path) -> None:
    assert read(folder, {"own": OWN, "foreign": FOREIGN}, "foreign").moderator == "foreign"


def test_nobody_is_chosen_where_the_policy_has_nothing_looked_at(folder: Path) -> None:
    (folder / "policy.yaml").write_text(POLICY.replace("moderate: [final]\n", ""), encoding="utf-8")
    assert read(folder, {"own": OWN}, "own").moderator == ""


def test_a_policy_that_moderates_where_nobody_can_is_a_problem_with_its_place(folder: Path) -> None:
    assert refused(folder, {"foreign": FOREIGN, "azure": AZURE}) == (
        "policy.yaml:4:11: moderate: no provider of router.yaml goes to OpenAI itself, so nobody looks at prompts; name"
        " one whose base has /moderations: `moderation: {provider: foreign}` in router.yaml"
    )


def test_whoever_led_a_provider_elsewhere_by_the_environment_is_told_that(folder: Path) -> None:
    assert refused(folder, {"own": OWN}, OWN_URL="http://127.0.0.1:8788/v1") == (
        "policy.yaml:4:11: moderate: no provider of router.yaml goes to OpenAI itself (own goes where OWN_URL leads),"
        " so nobody looks at prompts; name one whose base has /moderations: `moderation: {provider: own}` in"
        " router.yaml"
    )


def test_a_moderator_that_is_unknown_or_of_another_kind_is_a_problem_with_its_place(folder: Path) -> None:
    assert refused(folder, {"own": OWN}, "onw") == (
        "router.yaml:7:24: moderation.provider: unknown provider 'onw' (did you mean 'own'?); declared are own"
    )
    assert refused(folder, {"own": OWN, "azure": AZURE}, "azure").startswith(
        "router.yaml:8:24: moderation.provider: a provider of kind azure cannot look at prompts; name one of kind"
    )


def test_the_policy_says_where_its_moderation_stands(folder: Path) -> None:
    policy = read(folder, {"own": OWN}).settings.policy
    assert (policy.moderate, policy.moderate_label) == (frozenset({"final"}), "policy.yaml:4")
