"""What the policy says no to, as the command line tells it: before anything is reserved, also in an explanation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

REFUSE = """
refuse:
  - {words: [lorem ipsum], because: placeholder text}
  - {when: {n: {at_least: 9}}}
tests:
  - {given: {prompt: Lorem ipsum}, expect: {refused: PromptRefused}}
"""
SINGLE = "policies/single-model.yaml"


@pytest.fixture
def refusing(routing: CommandLine) -> CommandLine:
    """The command line with a policy that refuses; the rules stand at its end."""
    path = routing.folder / SINGLE
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("tests:")] + REFUSE.lstrip(), encoding="utf-8")
    return routing


def place(refusing: CommandLine, words: str) -> str:
    lines = (refusing.folder / SINGLE).read_text(encoding="utf-8").splitlines()
    return f"{SINGLE}:{next(at for at, line in enumerate(lines, start=1) if words in line)}"


@pytest.mark.parametrize("command", ["generate", "explain"])
def test_a_refused_prompt_is_told_with_its_rule_and_its_way_out(refusing: CommandLine, command: str) -> None:
    ran = refusing(command, "A secret fox, lorem ipsum", "--json")
    assert ran.code == 3
    rule = place(refusing, "lorem")
    message = f"refused by {rule}, placeholder text: 'lorem ipsum' stands in the prompt; take it out; nothing was spent"
    assert ran.err == f"error: {message}\n"
    assert json.loads(ran.out)["error"] == {
        "type": "PromptRefused",
        "message": message,
        "exit_code": 3,
        "rule": rule,
        "because": "placeholder text",
    }
    assert not (refusing.folder / "spend.db").exists() or json.loads(refusing("spend", "--json").out)["rows"] == []


def test_the_policys_own_tests_see_what_it_refuses(refusing: CommandLine) -> None:
    ran = refusing("check")
    assert ran.code == 0
    assert "1 of 1 policy tests pass" in ran.out


def test_a_replay_says_which_rules_it_cannot_try(refusing: CommandLine) -> None:
    assert refusing("generate", "a fox", "-o", "fox.png").code == 0
    assert refusing("generate", "a badger", "-n", "2", "-o", "badger.png").code == 0
    found = json.loads(refusing("diff", "policies/default.yaml", SINGLE, "--json").out)
    assert found["before"]["unread"] == {"requests": 0, "rules": []}
    assert found["after"]["unread"] == {"requests": 2, "rules": [place(refusing, "lorem")]}
    told = " ".join(refusing("diff", "policies/default.yaml", SINGLE).out.split())
    assert f"whether {place(refusing, 'lorem')} would refuse 2 of 2 requests is not known" in told


def test_a_replay_of_kept_words_tries_every_rule(refusing: CommandLine) -> None:
    config = refusing.folder / "router.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("hold_for: 15m", "hold_for: 15m, keep_prompts: true"), encoding="utf-8")
    assert refusing("generate", "a fox", "-o", "fox.png").code == 0
    stricter = (refusing.folder / SINGLE).read_text(encoding="utf-8").replace("[lorem ipsum]", "[fox]")
    (refusing.folder / "policies" / "stricter.yaml").write_text(stricter, encoding="utf-8")
    after = json.loads(refusing("diff", SINGLE, "policies/stricter.yaml", "--json").out)["after"]
    assert after["unread"] == {"requests": 0, "rules": []}
    assert [(each["error"], each["requests"]) for each in after["unserved"]] == [("PromptRefused", 1)]


def test_a_check_says_which_prompts_nobody_could_look_at(keyless: CommandLine) -> None:
    path = keyless.folder / SINGLE
    path.write_text(path.read_text(encoding="utf-8") + "\nmoderate: [final, review]\n", encoding="utf-8")
    explained = keyless("explain", "a fox", "-i", "final", "--assume-keys", "--json")
    assert json.loads(explained.out)["notices"] == [
        f"moderation would look at the prompt first: {place(keyless, 'moderate:')}"
    ]
    told = "no key: OPENAI_API_KEY is not set, so prompts of review, final cannot be looked at, and are refused"
    ran = keyless("check")
    assert ran.code == 0
    assert told in ran.out
    assert told not in keyless("check", OPENAI_API_KEY="sk-test").out


def test_an_explanation_says_what_is_left_out_for_whom(routing: CommandLine) -> None:
    path = routing.folder / SINGLE
    text = path.read_text(encoding="utf-8").partition("\nroutes:")[0]
    routes = [
        f"  {name}: [{{use: [gpt-image-2, nano-banana], unsupported: drop}}]" for name in ("draft", "review", "final")
    ]
    path.write_text("\n".join([text, "routes:", *routes]), encoding="utf-8")
    told = json.loads(routing("explain", "a fox", "--seed", "7", "--background", "opaque", "--json").out)["notices"]
    assert told == [
        "seed 7 is left out for gpt-image-2: gpt-image-2 does not know seed",
        "background opaque is left out for nano-banana: gemini/gemini-2.5-flash-image has no background opaque",
    ]
