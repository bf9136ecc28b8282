"""What a route does with a bad picture, and where nothing could be had, as the files say it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from routing.config.load import load
from routing.core.policy import Degrade, OnBad, Show
from routing.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from routing.config.specs import RouterConfig

ROUTER = """\
version: 1
policy: policy.yaml
providers:
  openai: {kind: openai, api_key_env: OPENAI_API_KEY}
  google: {kind: litellm, api_key_env: GEMINI_API_KEY}
  fal: {kind: litellm, api_key_env: FAL_KEY}
deployments:
  gpt-image-2: {provider: openai, model: gpt-image-2}
  nano-banana: {provider: google, model: gemini/gemini-2.5-flash-image}
  flux: {provider: fal, model: fal_ai/fal-ai/flux/schnell}
"""
CACHE = 'cache: {url: "file:///assets"}\n'


def read(folder: Path, route: str, *, router: str = ROUTER + CACHE) -> RouterConfig:
    (folder / "router.yaml").write_text(router, encoding="utf-8")
    policy = f"version: 1\nimportance: [draft]\nsort: [{{importance: draft}}]\nroutes: {{draft: [{route}]}}\n"
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    return load(folder / "router.yaml", {}, today=date(2026, 11, 21))


def warnings(config: RouterConfig) -> list[str]:
    return [f"{warning.path}: {warning.message}; {warning.hint}" for warning in config.warnings]


def test_a_route_says_what_it_does_where_nothing_could_be_had(tmp_path: Path) -> None:
    config = read(tmp_path, "{use: [gpt-image-2], degrade: {use: [nano-banana, flux], show: [last, placeholder]}}")
    (route,) = config.settings.policy.routes["draft"]
    assert route.degrade == Degrade(use=("nano-banana", "flux"), show=(Show.LAST, Show.PLACEHOLDER))
    assert route.nameable == ("gpt-image-2",)
    assert warnings(config) == []


@pytest.mark.parametrize(
    ("word", "bad"), [("", OnBad.DELIVER), (", bad: deliver", OnBad.DELIVER), (", bad: retry", OnBad.RETRY)]
)
def test_a_route_says_what_it_does_with_a_bad_picture(tmp_path: Path, word: str, bad: OnBad) -> None:
    (route,) = read(tmp_path, f"{{use: [gpt-image-2]{word}}}").settings.policy.routes["draft"]
    assert (route.bad, route.degrade) == (bad, Degrade())


def test_without_a_cache_there_is_no_last_picture(tmp_path: Path) -> None:
    config = read(tmp_path, "{use: [gpt-image-2], degrade: {show: [last, placeholder]}}", router=ROUTER)
    assert warnings(config) == [
        "routes.draft[0].degrade.show[0]: there is no last picture: no cache keeps any; add `cache:` to router.yaml"
    ]


def test_a_stand_in_that_cannot_do_what_the_route_is_for_is_warned_of(tmp_path: Path) -> None:
    edits = "{when: {operation: edit}, use: [gpt-image-2], degrade: {use: [flux, nano-banana]}}"
    assert warnings(read(tmp_path, f"{edits}, {{use: [gpt-image-2]}}")) == [
        "routes.draft[0].degrade.use[0]: flux can only generate, the route is for others; name one that can"
    ]


def test_a_stand_in_cannot_be_called_like_what_is_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a deployment called last cannot stand in"):
        read(tmp_path, "{use: [gpt-image-2], degrade: {use: [last]}}", router=ROUTER.replace("  flux:", "  last:"))


def test_a_stand_in_that_nobody_declares_is_refused_with_a_guess(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, "{use: [gpt-image-2], degrade: {use: [nanobanana]}}")
    (problem,) = wrong.value.problems
    assert (problem.path, "did you mean 'nano-banana'?" in problem.message) == ("routes.draft[0].degrade.use[0]", True)


@pytest.mark.parametrize(
    ("slip", "path"),
    [("moderation: {provder: openai}\n", "moderation.provder"), ("cache: {ulr: x}\n", "cache.ulr")],
)
def test_a_slip_elsewhere_takes_no_sound_part_along(tmp_path: Path, slip: str, path: str) -> None:
    router = ROUTER + (CACHE if not slip.startswith("cache") else "") + slip
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, "{use: [gpt-image-2], degrade: {show: [last, placeholder]}}", router=router)
    assert [problem.path for problem in wrong.value.problems] == [path.partition(".")[0], path]
