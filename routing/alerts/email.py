"""Alerts by e-mail."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from routing.alerts.base import NotTaken
from routing.alerts.post import TIMEOUT_S
from routing.alerts.words import alert_id, sentences_of, title_of

if TYPE_CHECKING:
    from routing.core.alerts import Alert
    from routing.core.clock import Clock
    from routing.logs import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in. ``tls`` begins with the first byte (*implicit*), after a greeting, or never."""

    host: str
    port: int = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


class EmailChannel:
    """Sends every alert as one message in plain text."""

    def __init__(self, server: MailServer, sender: str, recipients: tuple[str, ...], clock: Clock, log: Log) -> None:
        """``sender`` and ``recipients`` are addresses."""
        self._server = server
        self._sender = sender
        self._recipients = recipients
        self._clock = clock
        self._log = log

    def send(self, alert: Alert) -> None:
        """Hand the message in; it is taken as soon as the server takes it for anybody."""
        server = self._server
        try:
            with self._connect() as connection:
                if server.tls == "starttls":
                    connection.starttls(context=ssl.create_default_context())
                if server.user:
                    connection.login(server.user, server.password)
                refused = connection.send_message(self._message(alert), self._sender, self._recipients)
        except smtplib.SMTPRecipientsRefused:
            raise NotTaken(f"{server.host} knows none of the recipients") from None
        except smtplib.SMTPResponseException as error:
            told = (
                error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
            )
            raise NotTaken(f"{server.host} answered {error.smtp_code}: {_line(told)}") from None
        except smtplib.SMTPNotSupportedError as error:
            raise NotTaken(f"{server.host}: {error}") from None
        except (OSError, smtplib.SMTPException) as error:
            # The library tells a connection that was silent for too long as one that was closed.
            late = isinstance(error, TimeoutError) or "timed out" in str(error)
            why = f"did not answer within {TIMEOUT_S:g} s" if late else _reason(error)
            raise NotTaken(f"{server.host} {why}") from None
        if refused:
            self._log.warning("recipients_refused", host=server.host, recipients=sorted(refused))

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "implicit":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = _line(title_of(alert))
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = format_datetime(self._clock.now())
        # The same whenever it is sent: mail programs show a message that comes twice once.
        message["Message-ID"] = f"<{alert_id(alert)}@image-routing>"
        message["Auto-Submitted"] = "auto-generated"  # so that no absence note answers it
        message.set_content("\n\n".join(sentences_of(alert)) + "\n")
        return message


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


def _reason(error: Exception) -> str:
    return f"could not be used: {getattr(error, 'strerror', None) or type(error).__name__}"
