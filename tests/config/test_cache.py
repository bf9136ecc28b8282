"""Where the cache is, as the file says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.errors import ConfigError
from tests.config.test_load import ENV, Files

if TYPE_CHECKING:
    from pathlib import Path

R2 = "https://account.r2.example.com"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def with_cache(files: Files, entry: str) -> Files:
    kept = [line for line in files.router.splitlines() if not line.startswith("cache:")]
    files.router = "\n".join([*kept, f"cache: {entry}", ""])
    return files


def test_a_bucket_is_named_with_its_prefix(files: Files) -> None:
    config = with_cache(files, '{url: "s3://team-pictures/cache/v1", max_size: 5GB}').load()
    assert config.cache is not None
    assert (config.cache.url, config.cache.endpoint) == ("s3://team-pictures/cache/v1", "")
    assert config.cache.max_size_bytes == 5_000_000_000


def test_the_service_of_a_bucket_is_named_by_the_environment(files: Files) -> None:
    entry = '{url: "s3://team-pictures", endpoint_env: R2_ENDPOINT}'
    config = with_cache(files, entry).load(env={**ENV, "R2_ENDPOINT": R2 + "/"})
    assert config.cache is not None
    assert config.cache.endpoint == R2


def test_without_its_endpoint_a_bucket_is_not_looked_for_elsewhere(files: Files) -> None:
    config = with_cache(files, '{url: "s3://team-pictures", endpoint_env: R2_ENDPOINT}').load()
    assert config.cache is None
    assert next(str(told) for told in config.warnings if "R2_ENDPOINT" in str(told)).endswith(
        "nothing is kept, and repeats are bought again; set it to the address of the bucket's service"
    )


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAEXAMPLE:hunter2@pictures/cache",
        "s3://pictures/cache?secret_access_key=hunter2",
        "s3://pictures/hunter2 and more",
        "s3://Hunter2",
        "s3:hunter2",
        "s3://",
        "gs://hunter2",
        "hunter2",
        "file://hunter2",
    ],
)
def test_what_is_no_place_for_a_cache_is_refused_and_not_repeated(files: Files, url: str) -> None:
    told = with_cache(files, f'{{url: "{url}"}}').problems()
    assert "cache.url: this is no " in told
    assert "AWS_SECRET_ACCESS_KEY" in told
    assert "unter2" not in told


def test_an_endpoint_with_a_password_is_refused_and_not_repeated(files: Files) -> None:
    with_cache(files, '{url: "s3://team-pictures", endpoint_env: R2_ENDPOINT}')
    bad = {"R2_ENDPOINT": "https://me:hunter2@r2.example.com"}
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        files.load(env=bad)
    assert "hunter2" not in str(caught.value)


def test_a_folder_has_no_endpoint(files: Files) -> None:
    told = with_cache(files, '{url: "file:///pictures", endpoint_env: R2_ENDPOINT}').problems()
    assert "cache.endpoint_env: a folder has no endpoint; delete it" in told
