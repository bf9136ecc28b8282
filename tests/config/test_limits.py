"""What a deployment may take out of a minute, and where that is shared."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from routing.config.load import load
from routing.core.pacing import Allowance
from routing.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from routing.config.load import RouterConfig

POLICY = "version: 1\nimportance: [draft]\nsort: [{importance: draft}]\nroutes: {draft: [{use: [pictures]}]}\n"
TIER_2 = Allowance(images=20, tokens=250_000)


def read(folder: Path, *, provider: str = "", deployment: str = "", more: str = "", **env: str) -> RouterConfig:
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "router.yaml").write_text(
        "version: 1\npolicy: policy.yaml\n"
        f"providers: {{openai: {{kind: openai, api_key_env: KEY{provider}}}}}\n"
        f"deployments: {{pictures: {{provider: openai, model: gpt-image-2{deployment}}}}}\n{more}",
        encoding="utf-8",
    )
    return load(folder / "router.yaml", {"KEY": "set", **env}, today=date(2026, 11, 21))


@pytest.mark.parametrize(
    ("provider", "deployment", "allowance"),
    [
        ("", "", Allowance()),
        ("", ", images_per_minute: 50, requests_per_minute: 40", Allowance(images=50, requests=40)),
        (", tier: 2", "", TIER_2),
        ("", ", tier: 2", TIER_2),
        ("", ', tier: "2"', TIER_2),
        (", tier: 5", ", tier: free", Allowance(images=5, requests=5)),
        (", tier: 2", ", images_per_minute: 30", Allowance(images=30, tokens=250_000)),
        (", tier: enterprise", ", tokens_per_minute: 20000000", Allowance(images=500, tokens=20_000_000)),
    ],
)
def test_own_numbers_go_before_the_tier_and_the_deployments_tier_before_the_providers(
    tmp_path: Path, provider: str, deployment: str, allowance: Allowance
) -> None:
    config = read(tmp_path, provider=provider, deployment=deployment)
    assert config.settings.deployments["pictures"].allowance == allowance
    assert config.warnings == ()


def test_every_tier_of_the_catalog_lets_more_through_than_the_one_below(tmp_path: Path) -> None:
    tiers = ("1", "2", "3", "4", "5", "enterprise")
    found = [read(tmp_path, provider=f", tier: {tier}").settings.deployments["pictures"].allowance for tier in tiers]
    images = [each.images or 0 for each in found]
    assert images == sorted(set(images))


@pytest.mark.parametrize(
    ("more", "env", "url"),
    [
        ("", {}, "memory://"),
        ("limits: {url: 'redis://cache.example:6379/3'}\n", {}, "redis://cache.example:6379/3"),
        ("limits: {url: 'rediss://user@cache.example'}\n", {}, "rediss://user@cache.example"),
        ("limits: {url: 'unix:///run/valkey.sock?db=1'}\n", {}, "unix:///run/valkey.sock?db=1"),
        ("limits: {url_env: LIMITS_URL}\n", {"LIMITS_URL": " redis://:hunter2@c/0\n"}, "redis://:hunter2@c/0"),
        ("limits: {url_env: LIMITS_URL, url: 'memory://'}\n", {}, "memory://"),
    ],
)
def test_limits_are_shared_where_the_file_or_the_environment_says(
    tmp_path: Path, more: str, env: dict[str, str], url: str
) -> None:
    config = read(tmp_path, more=more, **env)
    assert config.limits_url == url
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize(
    ("more", "env", "said"),
    [
        ("limits: {url: 'redis://:hunter2@c/0'}\n", {}, "the url holds a password; .* `url_env: LIMITS_URL`"),
        ("limits: {url: 'redis://c/0?password=hunter2'}\n", {}, "the url holds a password"),
        ("limits: {url: 'mysql://hunter2'}\n", {}, "no url that limits can be shared by; write redis://host:6379/0"),
        ("limits: {url_env: LIMITS_URL}\n", {"LIMITS_URL": "hunter2"}, "environment's LIMITS_URL cannot be used"),
        ("limits: {url_env: LIMITS_URL}\n", {}, "the environment has no LIMITS_URL; set it"),
        ("limits: {}\n", {}, "there is no url; write redis"),
    ],
)
def test_what_makes_no_sense_is_told_and_not_repeated(
    tmp_path: Path, more: str, env: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as told:
        read(tmp_path, more=more, **env)
    assert "hunter2" not in str(told.value)
