"""Alert channels, by the kind that the configuration names. Each is imported where it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from routing.alerts.base import AlertChannel, Subscription
    from routing.config.load import AlertSpec
    from routing.core.clock import Clock
    from routing.logs import Log


def open_channels(
    specs: Sequence[AlertSpec], env: Mapping[str, str], clock: Clock, log: Log
) -> tuple[Subscription, ...]:
    """Open every channel that is told alerts; one whose variables are not set takes nothing, and says which."""
    from routing.alerts.base import Subscription
    from routing.core.alerts import AlertKind

    return tuple(
        Subscription(
            name=spec.name,
            channel=_open_channel(spec, env, clock, log),
            kinds=frozenset(map(AlertKind, spec.kinds)),
            budgets=frozenset(spec.budgets),
        )
        for spec in specs
    )


def _open_channel(spec: AlertSpec, env: Mapping[str, str], clock: Clock, log: Log) -> AlertChannel:
    values = {key: env.get(name, "").strip() for key, name in spec.variables.items()}
    unset = [spec.variables[key] for key, value in values.items() if not value]
    if unset:
        from routing.alerts.base import Mute

        return Mute(f"the environment has no {' and no '.join(unset)}: set it, and what waits is sent")
    return _CHANNELS[spec.kind](spec, values, clock, log)


def _open_log_channel(_spec: AlertSpec, _values: Mapping[str, str], _clock: Clock, log: Log) -> AlertChannel:
    from routing.alerts.log import LogChannel

    return LogChannel(log)


def _open_webhook(spec: AlertSpec, values: Mapping[str, str], clock: Clock, _log: Log) -> AlertChannel:
    from routing.alerts.webhook import WebhookChannel

    url = values.get("url", spec.url)
    return WebhookChannel(url, values.get("secret", ""), clock, what=spec.variables.get("url", "url"))


def _open_slack(spec: AlertSpec, values: Mapping[str, str], _clock: Clock, _log: Log) -> AlertChannel:
    from routing.alerts.slack import SlackChannel

    return SlackChannel(values["url"], what=spec.variables["url"])


def _open_email(spec: AlertSpec, values: Mapping[str, str], clock: Clock, log: Log) -> AlertChannel:
    from routing.alerts.email import EmailChannel, MailServer

    user, password = values.get("user", ""), values.get("password", "")
    server = MailServer(host=spec.host, port=spec.port, tls=spec.tls, user=user, password=password)
    return EmailChannel(server, spec.sender, spec.recipients, clock, log)


def _open_apprise(spec: AlertSpec, values: Mapping[str, str], _clock: Clock, _log: Log) -> AlertChannel:
    from routing.alerts.apprise import AppriseChannel

    return AppriseChannel(values["url"], what=spec.variables["url"])


_CHANNELS: dict[str, Callable[[AlertSpec, Mapping[str, str], Clock, Log], AlertChannel]] = {
    "log": _open_log_channel,
    "webhook": _open_webhook,
    "slack": _open_slack,
    "email": _open_email,
    "apprise": _open_apprise,
}
"""Kind of a channel -> how it is opened."""
