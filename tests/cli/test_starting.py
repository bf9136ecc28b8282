"""``init``, ``check`` and ``sandbox``: the first minutes."""

from __future__ import annotations

import json
import signal
import socket
from datetime import date
from typing import TYPE_CHECKING

import pytest

from routing.cli import starter
from routing.cli.check import github_lines
from routing.cli.vendor import BASES, KEYS
from routing.config.load import load
from routing.errors import Problem
from routing.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine


def test_init_in_an_empty_folder_is_all_that_check_needs(
    keyless: CommandLine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.chdir(empty)
    ran = keyless("init")
    assert ran.code == 0
    assert sorted(str(path.relative_to(empty)) for path in empty.rglob("*.yaml")) == [
        "policies/default.yaml",
        "policies/nano-banana-drafts.yaml",
        "policies/single-model.yaml",
        "router.yaml",
    ]
    assert keyless("check").code == 0


def test_init_never_overwrites(keyless: CommandLine) -> None:
    mine = keyless.folder / "router.yaml"
    mine.write_text("mine\n", encoding="utf-8")
    (keyless.folder / "policies" / "default.yaml").unlink()
    ran = keyless("init")
    assert ran.code == 0
    assert "kept     router.yaml (it was here before)" in ran.out
    assert "written  policies/default.yaml" in ran.out
    assert mine.read_text(encoding="utf-8") == "mine\n"


def test_init_brings_only_what_editors_complete_by_up_to_date(keyless: CommandLine) -> None:
    schema = keyless.folder / ".routing" / "policy.schema.json"
    today = schema.read_bytes()
    schema.write_text("{}\n", encoding="utf-8")
    assert "written  .routing/policy.schema.json" in keyless("init").out
    assert schema.read_bytes() == today
    assert "nothing was written" in keyless("init").out


def test_an_installed_wheel_brings_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = starter.starter_files()
    for name, content in shipped.items():
        (tmp_path / "starter" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "starter" / name).write_bytes(content)
    monkeypatch.setattr(starter, "CHECKOUT", tmp_path)
    monkeypatch.setattr(starter, "INSTALLED", tmp_path / "starter")
    assert starter.starter_files() == shipped


def test_check_counts_tests_and_names_missing_keys(keyless: CommandLine) -> None:
    ran = keyless("check")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "router.yaml and policies/single-model.yaml: 0 errors"
    assert "policy tests pass" in ran.out
    assert "no key: OPENAI_API_KEY is not set, so gpt-image-2, gpt-image-2.5-flare will not be used" in ran.out
    found = json.loads(keyless("check", "--json").out)
    assert found["ok"]
    assert found["missing_keys"]["FAL_KEY"] == ["flux-schnell"]


def test_check_takes_the_file_as_its_argument_or_like_every_other_command(keyless: CommandLine) -> None:
    place = str(keyless.folder / "router.yaml")
    assert keyless("check", place).code == 0
    assert keyless("check", "--config", place).code == 0
    assert keyless("check", place, "--config", "other.yaml").code == 0
    assert keyless("check", "--config", "other.yaml").code == 2


def test_a_policy_test_that_fails_is_an_error_with_its_line(keyless: CommandLine) -> None:
    policy = keyless.folder / "policies" / "single-model.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("{given: {}, expect: {importance: draft", "{given: {}, expect: {importance: final"))
    ran = keyless("check")
    assert ran.code == 2
    assert "policies/single-model.yaml:" in ran.out
    assert "expected importance final, got draft" in ran.out
    problems = json.loads(keyless("check", "--json").out)["problems"]
    assert [problem["severity"] for problem in problems] == ["error"]


def test_check_lists_every_problem_of_both_files_at_once(
    keyless: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("limit: 500", "limit: lots")
    policy = keyless.folder / "policies" / "single-model.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("quality: medium}, max", "quality: mediun}, max"))
    ran = keyless("check")
    assert ran.code == 2
    *problems, count = ran.out.splitlines()
    assert any(problem.startswith("router.yaml:") for problem in problems)
    assert any(problem.startswith("policies/single-model.yaml:") for problem in problems)
    assert count == f"{len(problems)} errors"


@pytest.fixture
def warned(keyless: CommandLine) -> CommandLine:
    """A policy with a warning and no error: one of two deployments cannot make what its route asks for."""
    policy = keyless.folder / "policies" / "single-model.yaml"
    text = policy.read_text(encoding="utf-8")
    asked = "use: [gpt-image-2.5-flare, gpt-image-2], ask: {quality: xhigh}"
    policy.write_text(text.replace("use: [gpt-image-2], ask: {quality: high}", asked), encoding="utf-8")
    policy.write_text(policy.read_text(encoding="utf-8").partition("tests:")[0], encoding="utf-8")
    return keyless


def test_warnings_alone_are_an_exit_code_for_the_strict(warned: CommandLine) -> None:
    ran = warned("check")
    assert (ran.code, warned("check", "--strict").code) == (0, 2)
    assert "single-model.yaml: 0 errors, 1 warning" in ran.out
    assert [json.loads(warned("check", "--json", *words).out)["ok"] for words in ((), ("--strict",))] == [True, False]


def test_github_shows_each_problem_beside_its_line(warned: CommandLine) -> None:
    policy = (warned.folder / "policies" / "single-model.yaml").read_text(encoding="utf-8")
    line = next(at for at, text in enumerate(policy.splitlines(), 1) if "xhigh" in text)
    first, *_ = warned("check", "--format", "github").out.splitlines()
    column = policy.splitlines()[line - 1].index("xhigh") + 1
    place = f"file=policies/single-model.yaml,line={line},col={column}"
    assert first == (
        f"::warning {place},title=routes.final[0].ask.quality::gpt-image-2 is never used here: it has no quality"
        " 'xhigh'; gpt-image-2 has low, medium, high"
    )


def test_a_note_for_github_is_escaped_by_its_rules() -> None:
    problem = Problem(
        file="a,b.yaml", line=1, column=2, path="tags.x:y", message="at most 100%\nof it", hint="50%: fine"
    )
    assert github_lines([problem]) == [
        "::error file=a%2Cb.yaml,line=1,col=2,title=tags.x%3Ay::at most 100%25%0Aof it; 50%25: fine"
    ]


def test_files_are_named_so_that_an_editor_finds_them(
    keyless: CommandLine, edit_config: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_config("limit: 500", "limit: lots")
    edit_config("policies/single-model.yaml", "../elsewhere/policy.yaml")
    (keyless.folder / "policies").rename(keyless.folder / "elsewhere")
    (keyless.folder / "elsewhere" / "single-model.yaml").rename(keyless.folder / "elsewhere" / "policy.yaml")
    (keyless.folder / "team").mkdir()
    (keyless.folder / "router.yaml").rename(keyless.folder / "team" / "router.yaml")
    (keyless.folder / "elsewhere" / "policy.yaml").write_text("version: 2\n", encoding="utf-8")

    def named(place: str) -> set[str]:
        problems = json.loads(keyless("check", place, "--format", "json").out)["problems"]
        return {problem["file"] for problem in problems}

    assert named("team") == {"team/router.yaml", "elsewhere/policy.yaml"}
    assert named(str(keyless.folder / "team" / "router.yaml")) == {"team/router.yaml", "elsewhere/policy.yaml"}
    monkeypatch.chdir(keyless.folder / "team")
    assert named("router.yaml") == {"router.yaml", "../elsewhere/policy.yaml"}


def test_the_sandbox_is_told_of_every_variable_of_the_shipped_file(keyless: CommandLine) -> None:
    text = (keyless.folder / "router.yaml").read_text(encoding="utf-8")
    live = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert all(name in live for name in (*KEYS, *BASES))
    config = load(keyless.folder / "router.yaml", {}, today=date(2026, 11, 21))
    assert {spec.api_key_env for spec in config.providers.values()} == {*KEYS}
    assert {spec.base_url_env for spec in config.providers.values()} == {*BASES}


def test_the_sandbox_says_how_to_use_it_and_ends_with_ctrl_c(keyless: CommandLine) -> None:
    with keyless.start("sandbox", "--port", "0", PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        said: list[str] = []
        while not said or "_log" not in said[-1]:
            said.append(process.stdout.readline().strip())
        url = said[0].split()[4].rstrip(";")
        assert Sandbox(int(url.rpartition(":")[2]), lambda: None).bill()["total_nusd"] == 0
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"export OPENAI_BASE_URL={url}/v1" in said
    assert not err


def test_a_port_that_is_taken_is_told(keyless: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ran = keyless("sandbox", "--port", str(other.getsockname()[1]))
    assert ran.code == 1
    assert "choose another with --port" in ran.err
