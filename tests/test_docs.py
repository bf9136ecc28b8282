"""What the pages under ``docs/`` show and name: shown files load, shown messages are said, named files are there."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from routing.config.load import load, run_policy_tests
from routing.config.schema import ProviderEntry
from routing.errors import ConfigError
from routing.providers.registry import KINDS

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 11, 21)
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "cli.md")


def blocks(page: str, language: str = "") -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def router_yaml(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return Path(shutil.copy(ROOT / "router.yaml", tmp_path))


def test_the_policy_of_the_documentation_loads_and_passes_its_own_tests(router_yaml: Path) -> None:
    (policy,) = blocks("policy.md", "yaml")
    (router_yaml.parent / "policies" / "default.yaml").write_text(policy, encoding="utf-8")
    config = load(router_yaml, {}, today=TODAY)
    assert config.tests
    assert not run_policy_tests(config)


def test_the_problem_of_the_documentation_is_told_in_just_these_words(
    router_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, shown) = blocks("policy.md", "(?:yaml)?")
    text = router_yaml.read_text(encoding="utf-8")
    line = text[: text.index("month: {limit")].count("\n") + 1
    router_yaml.write_text(text.replace("month: {limit", "month: {limti"), encoding="utf-8")
    monkeypatch.chdir(router_yaml.parent)
    with pytest.raises(ConfigError) as told:
        load(Path("router.yaml"), {}, today=TODAY)
    assert re.sub(r":\d+:", f":{line}:", shown.strip(), count=1) in str(told.value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:routing|tests|policies|scripts)/[\w./]+)`", text):
        assert (ROOT / name).exists(), f"{page.name} names {name}"
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_every_kind_of_provider_that_router_yaml_may_name_can_be_made() -> None:
    assert {*get_args(ProviderEntry.model_fields["kind"].annotation)} == {*KINDS}
