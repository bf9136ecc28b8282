"""From ``alerts:`` in router.yaml to open channels."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing.alerts.apprise import AppriseChannel
from routing.alerts.base import NotTaken
from routing.alerts.email import EmailChannel
from routing.alerts.log import LogChannel
from routing.alerts.slack import SlackChannel
from routing.alerts.webhook import WebhookChannel, event_body
from routing.assembly import open_channels, open_router
from routing.config.load import load
from routing.core.alerts import AlertKind
from routing.logs import SilentLog
from routing.testing import FrozenClock, open_test_router
from tests.alerts.receiver import EXAMPLES, THRESHOLD
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.alerts.base import Subscription
    from routing.config.load import RouterConfig
    from tests.alerts.receiver import Receiver

ROOT = Path(__file__).parents[2]
ALERTS = """\
alerts:
  - {kind: log}
  - {kind: webhook, url_env: HOOK, secret_env: SECRET, kinds: [threshold, overrun]}
  - {kind: webhook, name: intern, url: "http://10.0.0.7:8080/hook", budgets: [month]}
  - {kind: slack, url_env: SLACK}
  - {kind: apprise, url_env: APPRISE}
  - kind: email
    host: mail.example.com
    from: router@example.com
    to: [finance@example.com]
    user_env: MAIL_USER
    password_env: MAIL_PASSWORD
"""
ENV = {
    "HOOK": "https://example.com/hook",
    "SECRET": "whsec_c2VjcmV0",
    "SLACK": "https://hooks.slack.com/services/T/B/secret",
    "APPRISE": "json://localhost",
    "MAIL_USER": "someone-7731",
    "MAIL_PASSWORD": "words-4471",
}


def written(folder: Path, alerts: str) -> Path:
    """The shipped files with other channels."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    text = (ROOT / "router.yaml").read_text(encoding="utf-8").partition("\nalerts:")[0]
    path = folder / "router.yaml"
    path.write_text(f"{text}\n{alerts}", encoding="utf-8")
    return path


def loaded(folder: Path, env: Mapping[str, str], alerts: str = ALERTS) -> RouterConfig:
    return load(written(folder, alerts), env, today=date(2026, 11, 21))


def opened(config: RouterConfig, env: Mapping[str, str]) -> dict[str, Subscription]:
    return {each.name: each for each in open_channels(config.alerts, env, FrozenClock(), SilentLog())}


def test_every_kind_is_opened_under_its_name_with_its_wishes(tmp_path: Path) -> None:
    config = loaded(tmp_path, ENV)
    channels = opened(config, ENV)
    assert config.warnings == ()
    assert {name: type(each.channel) for name, each in channels.items()} == {
        "log": LogChannel,
        "webhook": WebhookChannel,
        "intern": WebhookChannel,
        "slack": SlackChannel,
        "apprise": AppriseChannel,
        "email": EmailChannel,
    }
    assert channels["webhook"].kinds == {AlertKind.THRESHOLD, AlertKind.OVERRUN}
    assert channels["intern"].wants(THRESHOLD)
    assert not channels["intern"].wants(EXAMPLES["threshold-odd-amount"])


def test_the_channels_of_the_documentation_can_be_written_like_that(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    config = loaded(tmp_path, {}, shown)
    assert [spec.name for spec in config.alerts] == ["log", "webhook", "slack", "email", "phone"]


def test_the_event_of_the_documentation_is_the_one_that_is_sent() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert json.loads(shown) == json.loads(event_body(THRESHOLD))


def test_a_configuration_holds_no_secret(tmp_path: Path) -> None:
    shown = repr(loaded(tmp_path, ENV).alerts)
    assert not [name for name, value in ENV.items() if value in shown]


def test_a_variable_that_is_not_set_is_a_warning_and_its_channel_says_so_until_it_is(tmp_path: Path) -> None:
    config = loaded(tmp_path, {})
    assert len(config.warnings) == 6
    channels = opened(config, {})
    with pytest.raises(NotTaken, match="the environment has no HOOK and no SECRET: set it"):
        channels["webhook"].channel.send(THRESHOLD)
    with pytest.raises(NotTaken, match="no MAIL_USER and no MAIL_PASSWORD"):
        channels["email"].channel.send(THRESHOLD)


def test_an_address_from_the_environment_that_is_none_is_told_and_not_repeated(tmp_path: Path) -> None:
    env = {**ENV, "SLACK": "hooks.slack.com/services/T/B/secret"}
    channels = opened(loaded(tmp_path, env), env)
    with pytest.raises(NotTaken, match=r"^SLACK is no http or https address without a user and password$"):
        channels["slack"].channel.send(THRESHOLD)


def test_a_router_from_files_tells_a_webhook_and_signs(tmp_path: Path, receiver: Receiver) -> None:
    path = written(tmp_path, "alerts: [{kind: webhook, url_env: HOOK, secret_env: SECRET}]")
    text = path.read_text(encoding="utf-8").replace("limit: 500, window", "limit: 0.5, window")
    path.write_text(text, encoding="utf-8")
    with open_router(path, env={"HOOK": receiver.url, "SECRET": "words"}, log=SilentLog()) as router:
        for number in range(3):
            router._shop.upkeep.note(EXAMPLES["overrun" if number else "action"])
        router._shop.upkeep.begin(router._shop.settings)
    kinds = [json.loads(arrived.body)["data"]["kind"] for arrived in receiver.arrived]
    assert kinds == ["action", "overrun"]
    assert all(arrived.headers["webhook-signature"].startswith("v1,") for arrived in receiver.arrived)


def test_a_router_for_tests_tells_the_log_and_nobody_else(tmp_path: Path) -> None:
    log = RecordingLog()
    path = written(tmp_path, ALERTS)
    path.write_text(
        path.read_text(encoding="utf-8").replace("limit: 500, window: calendar_month", "limit: 0.5, window: lifetime"),
        encoding="utf-8",
    )
    with open_test_router(path, log=log) as router:
        while not log.named("budget_threshold"):
            router.generate("a fox", importance="draft", fresh=True)
    assert not log.named("alert_not_delivered")
