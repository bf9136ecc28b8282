"""``routing diff``: past requests under another policy, from the ledger or a file, against a file or git."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import ROOT
from tests.cli.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine

WORKLOAD = ROOT.parent / "shared" / "workloads" / "campaign.jsonl"
GOLDEN = ROOT / "tests" / "golden" / "tables"
SINGLE, BANANA, DEFAULT = (f"policies/{name}.yaml" for name in ("single-model", "nano-banana-drafts", "default"))
OF_TEAM = pytest.mark.skipif(
    not WORKLOAD.exists(), reason="the month of a creative team does not lie beside this checkout"
)

MONTH = [
    {"ts": "2026-10-01T09:00:00+00:00", "prompt": "a fox", "tags": {"campaign": "spring", "stage": "draft"}},
    {"ts": "2026-10-01T09:05:00+00:00", "prompt": "a fox", "tags": {"campaign": "spring", "stage": "draft"}},
    {"ts": "2026-10-02T09:00:00+00:00", "prompt": "a fox", "tags": {"campaign": "spring", "stage": "final"}, "n": 2},
    {"ts": "2026-10-03T09:00:00+00:00", "prompt": "a badger", "importance": "draft", "size": "1536x1024"},
    {"ts": "2026-10-03T10:00:00+00:00", "prompt": "a badger", "importance": "final", "size": "4096x4096"},
]


@pytest.fixture
def month(folder: Path) -> str:
    path = folder / "month.jsonl"
    path.write_text("\n".join(map(json.dumps, MONTH)), encoding="utf-8")
    return path.name


def data(routing: CommandLine, *words: str) -> Any:  # noqa: ANN401 - what JSON holds
    ran = routing("diff", *words, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


# --- From a file ------------------------------------------------------------------------------------------------------


@OF_TEAM
def test_a_month_of_a_creative_team_costs_what_its_readme_says(keyless: CommandLine) -> None:
    found = data(keyless, BANANA, SINGLE, "--workload", str(WORKLOAD))
    before, after = found["before"], found["after"]
    assert float(before["without_cache_usd"]) == pytest.approx(219.42, rel=0.01)
    assert float(after["without_cache_usd"]) == pytest.approx(105.82, rel=0.01)
    assert float(after["expected_usd"]) == pytest.approx(100.24, rel=0.01)
    assert (found["requests"], found["images"]) == (2_596, 4_302)
    assert (before["cached"], after["cached"]) == (416, 416)
    assert before["unserved"] == after["unserved"] == []
    assert not (keyless.folder / "spend.db").exists()


def test_the_table_of_a_file_says_what_it_said_before(keyless: CommandLine, month: str) -> None:
    ran = keyless("diff", BANANA, SINGLE, "--workload", month)
    assert ran.code == 0
    check_golden(GOLDEN / "diff-workload.txt", ran.out)


def test_repeats_are_bought_again_where_there_is_no_cache(
    keyless: CommandLine, month: str, edit_config: Callable[[str, str], None]
) -> None:
    with_cache = data(keyless, BANANA, SINGLE, "--workload", month)
    assert with_cache["after"]["cached"] == 1
    edit_config('cache: {url: "file:///.cache/assets"', '# cache: {url: "file:///.cache/assets"')
    without = data(keyless, BANANA, SINGLE, "--workload", month)
    assert without["after"]["cached"] == 0
    assert without["after"]["expected_usd"] == with_cache["after"]["without_cache_usd"]


def test_only_the_period_that_is_asked_for_is_tried(keyless: CommandLine, month: str) -> None:
    assert data(keyless, BANANA, "--workload", month, "--since", "2026-10-02", "--until", "2026-10-03")["requests"] == 1
    ran = keyless("diff", BANANA, "--workload", month, "--since", "2026-11-01")
    assert (ran.code, ran.out) == (0, "workload month.jsonl has no requests since 2026-11-01 00:00\n")


def test_money_is_grouped_as_asked(keyless: CommandLine, month: str) -> None:
    found = data(keyless, BANANA, "--workload", month, "--by", "operation, stage")
    assert {name: {group["value"] for group in groups} for name, groups in found["by"].items()} == {
        "operation": {"generate"},
        "stage": {"", "draft", "final"},
    }
    assert [*data(keyless, BANANA, "--workload", month)["by"]] == ["importance", "campaign", "deployment"]


# --- From the ledger --------------------------------------------------------------------------------------------------


def test_what_was_bought_is_tried_at_what_it_really_cost(routing: CommandLine) -> None:
    for name in ("1.png", "2.png"):
        routing("generate", "a fox", "-t", "campaign=spring", "-o", name)
    routing("generate", "a badger", "-i", "review", "-o", "3.png")
    found = data(routing, BANANA)
    assert (found["requests"], found["moved"], found["partial"]) == (3, 2, 0)
    assert found["before"]["policy"] == SINGLE
    # The second fox came from the cache then, and costs nothing now.
    assert (found["before"]["cached"], found["after"]["cached"]) == (1, 1)
    assert found["charged_usd"] == found["before"]["expected_usd"] == "0.05858"
    assert found["difference_usd"] == "0.0328106"  # a draft on nano-banana for .0387006 instead of .00589
    table = routing("diff", BANANA, "--since", "1h")
    assert "charged then" in table.out
    assert "3 requests for 3 images from the ledger" in table.out


def test_budgets_begin_with_what_was_spent_before_the_period(
    routing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    routing("generate", "a badger", "-i", "review", "-o", "1.png")
    since = datetime.now(UTC).isoformat()
    routing("generate", "a fox", "-o", "2.png")
    # Room for the badger alone, which came before.
    edit_config("campaign: {limit: 150, window: lifetime", "campaign: {limit: 0.055, window: lifetime")
    found = data(routing, BANANA, "--since", since)
    assert found["requests"] == 1
    (passed,) = found["before"]["budgets"]
    assert (passed["budget"], passed["limit_usd"], passed["refused"]) == ("campaign", "0.055", 1)


def test_an_empty_ledger_says_so_and_how_to_go_on(keyless: CommandLine) -> None:
    ran = keyless("diff", BANANA)
    assert ran.code == 0
    assert ran.out.startswith("the ledger has no requests since ")
    assert ran.out.endswith("; --workload FILE takes the requests from a file\n")
    assert data(keyless, BANANA)["requests"] == 0
    assert not (keyless.folder / "spend.db").exists()


# --- Against git ------------------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=team", "-c", "user.email=team@example.com")
    subprocess.run(["git", "-C", str(folder), *named, *words], check=True, capture_output=True)


@pytest.fixture
def kept(keyless: CommandLine) -> CommandLine:
    """A folder that git keeps, with a policy that was edited since."""
    git(keyless.folder, "init", "-q")
    git(keyless.folder, "add", ".")
    git(keyless.folder, "commit", "-q", "-m", "policies")
    policy = keyless.folder / SINGLE
    policy.write_text(policy.read_text(encoding="utf-8").replace("quality: low", "quality: medium"), encoding="utf-8")
    return keyless


def test_the_edited_policy_is_compared_with_gits(kept: CommandLine, month: str) -> None:
    for words in ((), (SINGLE,)):
        found = data(kept, *words, "--against", "HEAD", "--workload", month)
        assert (found["before"]["policy"], found["after"]["policy"]) == (f"HEAD:{SINGLE}", SINGLE)
        assert {(move["before"]["quality"], move["after"]["quality"]) for move in found["moves"]} == {("low", "medium")}


def test_a_problem_of_the_old_policy_is_told_with_its_revision(kept: CommandLine, month: str) -> None:
    policy = kept.folder / SINGLE
    sound = policy.read_text(encoding="utf-8")
    policy.write_text(sound.replace("use: [gpt-image-2]", "use: [gpt-imge-2]", 1), encoding="utf-8")
    git(kept.folder, "commit", "-q", "-a", "-m", "a slip")
    policy.write_text(sound, encoding="utf-8")
    ran = kept("diff", "--against", "HEAD", "--workload", month)
    assert ran.code == 2
    assert f"HEAD:{SINGLE}:" in ran.err
    assert "did you mean 'gpt-image-2'?" in ran.err


@pytest.mark.parametrize("revision", ["v9", "--help", "HEAD~1"])
def test_a_revision_that_git_does_not_have_is_told(kept: CommandLine, month: str, revision: str) -> None:
    ran = kept("diff", f"--against={revision}", "--workload", month)
    assert ran.code == 2
    assert revision in ran.err


def test_a_file_that_git_does_not_have_is_told(kept: CommandLine, month: str) -> None:
    (kept.folder / "new.yaml").write_bytes((kept.folder / DEFAULT).read_bytes())
    ran = kept("diff", "new.yaml", "--against", "HEAD", "--workload", month)
    assert ran.code == 2
    assert "git has no new.yaml in HEAD: path 'new.yaml' exists on disk, but not in 'HEAD'" in ran.err


def test_a_folder_that_is_no_repository_is_told(keyless: CommandLine, month: str) -> None:
    ran = keyless("diff", "--against", "HEAD", "--workload", month, GIT_CEILING_DIRECTORIES=str(keyless.folder.parent))
    assert ran.code == 2
    assert "not a git repository" in ran.err


# --- For pull requests ------------------------------------------------------------------------------------------------


def test_markdown_names_both_policies_and_the_change(keyless: CommandLine, month: str) -> None:
    ran = keyless("diff", BANANA, SINGLE, "--workload", month, "--markdown")
    assert ran.code == 0
    assert ran.out.startswith(f"### Policy: `{BANANA}` → `{SINGLE}`\n\n**$")


def test_a_change_that_costs_too_much_more_is_an_exit_code(keyless: CommandLine, month: str) -> None:
    dearer, cheaper = (SINGLE, BANANA), (BANANA, SINGLE)
    assert keyless("diff", *dearer, "--workload", month, "--fail-above", "1000%").code == 0
    assert keyless("diff", *cheaper, "--workload", month, "--fail-above", "0").code == 0
    ran = keyless("diff", *dearer, "--workload", month, "--fail-above", "5%")
    assert ran.code == 3
    assert "--fail-above allows 5 %" in ran.err
    assert SINGLE in ran.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name the edited policy, or compare router.yaml's with git: --against HEAD"),
        ((SINGLE,), "policies/single-model.yaml is router.yaml's own policy: --against HEAD compares it with git's"),
        ((SINGLE, BANANA, DEFAULT), "name two policies: OLD and NEW"),
        ((SINGLE, BANANA, "--against", "HEAD"), "with --against, name one policy or none"),
        (("policies/nope.yaml",), "policies/nope.yaml:1:1: cannot be read"),
        ((BANANA, "--by", "campain"), "cannot group by 'campain' (did you mean 'campaign'?)"),
        ((BANANA, "--since", "lately"), "since is a day or a moment"),
        ((BANANA, "--workload", "nope.jsonl"), "the workload nope.jsonl cannot be read: No such file or directory"),
        ((BANANA, "--markdown", "--json"), "keep one"),
        ((BANANA, "--fail-above", "much"), "'much' is no percentage: write it like 5%"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_told_with_the_way_out(keyless: CommandLine, words: tuple[str, ...], told: str) -> None:
    ran = keyless("diff", *words)
    assert ran.code == 2
    assert told in " ".join(ran.err.split())
