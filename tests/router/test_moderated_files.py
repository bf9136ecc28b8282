"""Routers opened from files: who looks at prompts is found there, taken up anew, and remembered across edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing import PromptRefused, ProviderRejectedKey, ProviderUnavailable, open_router
from routing.sandbox import Sandbox
from routing.testing import FakeModerator, FrozenClock, open_test_router
from tests.providers.buying import Said, parrot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUTER = """\
version: 1
policy: policy.yaml
providers:
  account: {kind: openai, api_key_env: ACCOUNT_KEY, base_url_env: ACCOUNT_URL}
deployments:
  gpt-image-2: {provider: account, model: gpt-image-2}
moderation: {provider: account}
"""
POLICY = """\
version: 1
importance: [draft, final]
sort: [{importance: draft}]
routes:
  draft: [{use: [gpt-image-2], ask: {quality: low}}]
  final: [{use: [gpt-image-2], ask: {quality: low}}]
"""
LOOKS = "/v1/moderations"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat") as sandbox:
        yield sandbox


@pytest.fixture
def vendor(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "router.yaml").write_text(ROUTER, encoding="utf-8")
    moderate(tmp_path, "final")
    return tmp_path


def moderate(folder: Path, *importances: str) -> None:
    line = f"moderate: [{', '.join(importances)}]\n" if importances else ""
    (folder / "policy.yaml").write_text(POLICY + line, encoding="utf-8")


def env(vendor: Sandbox, key: str = "sk-test") -> dict[str, str]:
    return {"ACCOUNT_KEY": key, "ACCOUNT_URL": vendor.openai_base_url}


def looks(vendor: Sandbox) -> int:
    return sum(row["path"] == LOOKS for row in vendor.log())


def test_a_flagged_prompt_costs_nothing_and_another_is_bought(folder: Path, vendor: Sandbox) -> None:
    with open_router(folder / "router.yaml", env=env(vendor)) as router:
        with pytest.raises(PromptRefused, match=r"policy\.yaml:7, moderation found violence: change the wording"):
            router.generate("a [violence] fox", importance="final")
        assert vendor.bill()["total_nusd"] == 0
        assert router.generate("a fox", importance="final").images
    assert looks(vendor) == 2


def test_an_edited_policy_is_taken_up_and_what_was_seen_is_remembered(folder: Path, vendor: Sandbox) -> None:
    moderate(folder)
    with open_router(folder / "router.yaml", env=env(vendor), watch=False) as router:
        assert router.generate("a fox", importance="final").images
        assert looks(vendor) == 0
        for importances in (("final",), ("draft", "final")):
            moderate(folder, *importances)
            router.reload()
            assert router.generate("a fox", importance="final").images
        assert looks(vendor) == 1
        moderate(folder)
        router.reload()
        assert router.generate("a [violence] fox", importance="final").images


@pytest.mark.parametrize(("key", "kind"), [("invalid", ProviderRejectedKey), (" ", ProviderUnavailable)])
def test_without_a_good_key_nothing_is_bought_unseen(
    folder: Path, vendor: Sandbox, key: str, kind: type[Exception]
) -> None:
    more = "providers:\n  other: {kind: openai, api_key_env: OTHER_KEY, base_url_env: ACCOUNT_URL}\n"
    text = ROUTER.replace("providers:\n", more).replace("{provider: account, model", "{provider: other, model")
    (folder / "router.yaml").write_text(text, encoding="utf-8")
    with (
        open_router(folder / "router.yaml", env={**env(vendor, key), "OTHER_KEY": "sk-test"}) as router,
        pytest.raises(kind, match="ACCOUNT_KEY"),
    ):
        router.generate("a fox", importance="final")
    assert vendor.bill()["total_nusd"] == 0


def test_a_look_that_failed_says_nothing_of_a_charge(folder: Path) -> None:
    with (
        parrot(Said({"error": {"message": "overloaded"}}, status=503)) as busy,
        open_router(folder / "router.yaml", env={"ACCOUNT_KEY": "sk-test", "ACCOUNT_URL": busy.url}) as router,
        pytest.raises(ProviderUnavailable) as caught,
    ):
        router.generate("a fox", importance="final", deadline=0.4)
    assert str(caught.value).endswith('sent: moderation by account: the vendor failed (HTTP 503); it says "overloaded"')


def test_in_your_own_tests_every_prompt_passes_unless_you_say_what_is_flagged(folder: Path) -> None:
    with open_test_router(folder / "router.yaml", clock=FrozenClock()) as router:
        assert router.generate("gore", importance="final").images
    moderator = FakeModerator({"gore": "violence/graphic"})
    with (
        open_test_router(folder / "router.yaml", clock=FrozenClock(), moderator=moderator) as router,
        pytest.raises(PromptRefused, match="violence/graphic"),
    ):
        router.generate("gore", importance="final")
