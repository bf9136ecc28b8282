"""Where the ledger is: from the file, from the environment, and never with a password in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.config.ledger import find_ledger, read_ledger
from routing.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "postgresql://ledger:hunter2@db.example:5432/spend"


@pytest.mark.parametrize(
    ("entry", "env", "url"),
    [
        ("{url: 'postgresql://ledger@db.example/spend'}", {}, "postgresql://ledger@db.example/spend"),
        ("{url: 'postgres://a.example,b.example:5433/spend?target_session_attrs=read-write'}", {},
         "postgres://a.example,b.example:5433/spend?target_session_attrs=read-write"),
        ("{url_env: LEDGER_URL}", {"LEDGER_URL": f" {SECRET}\n"}, SECRET),
        ("{url_env: LEDGER_URL, url: 'memory://'}", {"LEDGER_URL": SECRET}, SECRET),
        ("{url_env: LEDGER_URL, url: 'memory://'}", {"LEDGER_URL": ""}, "memory://"),
        ("{url_env: LEDGER_URL, url: 'sqlite:///a.db'}", {}, "sqlite:///a.db"),
    ],
)  # fmt: skip
def test_the_environment_goes_before_the_file(tmp_path: Path, entry: str, env: dict[str, str], url: str) -> None:
    (tmp_path / "router.yaml").write_text(f"ledger: {entry}\n", encoding="utf-8")
    assert read_ledger(tmp_path / "router.yaml", env).url == url


@pytest.mark.parametrize(
    ("entry", "env", "said"),
    [
        (f"{{url: '{SECRET}'}}", {}, r"1:15: ledger.url: the url holds a password; .* `url_env: LEDGER_URL`"),
        ("{url: 'postgresql://h/d?password=hunter2'}", {}, "the url holds a password"),
        ("{url: 'postgresql://h/d?pass%77ord=hunter2'}", {}, "the url holds a password"),
        ("{url: 'postgresql://ledger:hunter2@h'}", {}, "a postgresql url has a host and a database; write postgresql"),
        ("{url_env: 'hunter2!'}", {}, "1:19: ledger.url_env: this is not the name of an environment variable; "),
        ("{seal_key_env: 'hunter2!'}", {}, "1:24: ledger.seal_key_env: this is not the name of an"),
        ("{seal_key_env: [hunter2]}", {}, "ledger.seal_key_env: this is not the name of an environment variable; "),
        ("{url_env: LEDGER_URL}", {}, "ledger.url_env: the environment has no LEDGER_URL; set it to the ledger's url"),
        ("{url_env: LEDGER_URL, url: 'memory://'}", {"LEDGER_URL": "hunter2"},
         "the environment's LEDGER_URL cannot be used: this is no ledger url; write sqlite"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_and_not_repeated(
    tmp_path: Path, entry: str, env: dict[str, str], said: str
) -> None:
    (tmp_path / "router.yaml").write_text(f"ledger: {entry}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as refused:
        read_ledger(tmp_path / "router.yaml", env)
    assert "hunter2" not in str(refused.value)


def test_the_variable_of_the_seals_key_is_told_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text("ledger: {url: 'memory://', seal_key_env: SEAL_KEY}\n", encoding="utf-8")
    assert read_ledger(path, {}).seal_key_env == "SEAL_KEY"
    path.write_text("version: 1\n", encoding="utf-8")
    assert read_ledger(path, {"SEAL_KEY": SECRET}).seal_key_env == ""


def test_a_url_is_not_shown_where_a_place_is() -> None:
    assert "hunter2" not in repr(find_ledger(None, "LEDGER_URL", {"LEDGER_URL": SECRET}))
