"""What the pages under ``docs/`` show and name: shown files load, shown messages are said, named files are there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self, get_args

import pytest
from click.testing import CliRunner

from routing.cli.app import app
from routing.config.load import load, run_policy_tests
from routing.config.schema import ProviderEntry
from routing.errors import ConfigError
from routing.providers.registry import KINDS

if TYPE_CHECKING:
    from datetime import tzinfo

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
    (shown,) = blocks("policy.md", "text")
    text = router_yaml.read_text(encoding="utf-8")
    line = text[: text.index("month: {limit")].count("\n") + 1
    router_yaml.write_text(text.replace("month: {limit", "month: {limti"), encoding="utf-8")
    monkeypatch.chdir(router_yaml.parent)
    with pytest.raises(ConfigError) as told:
        load(Path("router.yaml"), {}, today=TODAY)
    assert re.sub(r":\d+:", f":{line}:", shown.strip(), count=1) in str(told.value)


def test_the_catalog_of_the_documentation_loads_and_is_bought_by(router_yaml: Path) -> None:
    stanza, catalog = blocks("extending.md", "yaml")
    (router_yaml.parent / "acme.yaml").write_text(catalog, encoding="utf-8")
    named, _, deployment = stanza.partition("deployments:\n")
    text = router_yaml.read_text(encoding="utf-8")
    vendor = '  acme: {kind: openai, api_key_env: ACME_KEY, base_url: "https://api.acme.example/v1"}\n'
    for section, entries in (("deployments", deployment), ("providers", vendor)):
        begins = re.search(rf"^{section}:.*\n", text, re.MULTILINE)
        assert begins
        text = f"{text[: begins.end()]}{entries}{text[begins.end() :]}"
    router_yaml.write_text(f"{text}\n{named}", encoding="utf-8")
    settings = load(router_yaml, {}, today=TODAY).settings
    assert settings.deployments["acme"].model.name == "acme-paint-2"
    assert settings.prices.card("acme", TODAY).rates


# --- The walk through a change ----------------------------------------------------------------------------------------


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository of a team that has begun with ``routing init``, on a day whose prices and models are known."""
    monkeypatch.chdir(tmp_path)
    for name in ("check", "diff", "explain"):
        monkeypatch.setattr(f"routing.cli.{name}.datetime", OnThatDay)
    assert said("routing init")
    for words in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *words], check=True)
    return tmp_path


class OnThatDay(datetime):
    """The commands' clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=tz)


def said(command: str) -> str:
    """Run a command of ours as on a terminal of 100 columns."""
    name, *words = shlex.split(command)
    assert name == "routing"
    env = dict.fromkeys(("OPENAI_API_KEY", "GEMINI_API_KEY", "FAL_KEY", "ROUTING_CONFIG")) | {"COLUMNS": "100"}
    return CliRunner().invoke(app, words, env=env, catch_exceptions=False).output


def change(policy: Path, hunk: str) -> None:
    """Apply lines with a sign before them, as a person would type them."""
    lines = hunk.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = policy.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{policy.name} has not just once:\n{before}"
    policy.write_text(text.replace(before, after), encoding="utf-8")


def test_the_walk_of_a_policy_editor_goes_as_it_is_told(team: Path) -> None:
    """``REWRITE_GOLDEN=1 pytest tests/test_docs.py`` writes what the commands say anew."""
    page = ROOT / "docs" / "policy.md"
    text = page.read_text(encoding="utf-8")

    def walk(block: re.Match[str]) -> str:
        kind, content = block.groups()
        if kind == "diff":
            change(team / "policies" / "default.yaml", content)
        elif kind == "jsonl":
            (team / "month.jsonl").write_text(content, encoding="utf-8")
        else:
            commands = [line for line in content.splitlines() if line.startswith("$ ")]
            content = "\n".join(f"{command}\n{said(command[2:])}" for command in commands)
        return f"```{kind}\n{content}```"

    walked = re.sub(r"^```(console|diff|jsonl)\n(.*?)^```", walk, text, flags=re.MULTILINE | re.DOTALL)
    if os.environ.get("REWRITE_GOLDEN"):
        page.write_text(walked, encoding="utf-8")
    assert walked == page.read_text(encoding="utf-8")


# --- Every page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:routing|tests|policies|scripts)/[\w./]+)`", text):
        assert (ROOT / name).exists(), f"{page.name} names {name}"
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_every_kind_of_provider_that_router_yaml_may_name_can_be_made() -> None:
    assert {*get_args(ProviderEntry.model_fields["kind"].annotation)} == {*KINDS}
