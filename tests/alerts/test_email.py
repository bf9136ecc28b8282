"""Mail, handed in at a real SMTP server on loopback."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from routing.alerts import email as mailing
from routing.alerts.base import NotTaken
from routing.alerts.email import EmailChannel, MailServer
from routing.alerts.words import alert_id, sentences_of, title_of
from routing.testing import FrozenClock
from tests.alerts.receiver import EXAMPLES, THRESHOLD
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, LoginPassword, Session

    from routing.core.alerts import Alert


class Mailbox:
    """Keeps what is handed in; ``answer`` is what it says to it, ``unknown`` whom it does not take mail for."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.users: list[str] = []
        self.answer = "250 OK"
        self.unknown: tuple[str, ...] = ()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(message_from_bytes(content, policy=default))
        self.encrypted.append(session.ssl is not None)
        return self.answer

    def check(
        self, _server: object, _session: object, _envelope: object, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)


class _Server(Controller):
    """Listens on a socket that has its port already, so that no other test can take it."""

    def __init__(self, mailbox: Mailbox, **options: Any) -> None:
        self._listening = socket.create_server(("localhost", 0))
        super().__init__(mailbox, hostname="localhost", port=self._listening.getsockname()[1], **options)

    def _create_server(self) -> Any:  # noqa: ANN401 - asyncio's own
        return self.loop.create_server(self._factory_invoker, sock=self._listening, ssl=self.ssl_context)


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """Take mail on a free port of loopback; yields the port."""
    server = _Server(mailbox, **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for localhost by an authority that this process trusts."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return context


def send(port: int, alert: Alert = THRESHOLD, *, to: tuple[str, ...] = ("finance@example.com",), **server: Any) -> None:
    place = MailServer(host="localhost", port=port, **server)
    EmailChannel(place, "router@example.com", to, FrozenClock(), RecordingLog()).send(alert)


def test_a_message_is_handed_in_encrypted_and_by_name(mailbox: Mailbox, certified: ssl.SSLContext) -> None:
    with serving(mailbox, tls_context=certified, require_starttls=True, authenticator=mailbox.check) as port:
        send(port, user="router", password="right")
    (message,) = mailbox.messages
    assert (mailbox.encrypted, mailbox.users) == ([True], ["router"])
    assert (message["From"], message["To"]) == ("router@example.com", "finance@example.com")
    assert message["Subject"] == title_of(THRESHOLD)
    assert message.get_content_type() == "text/plain"
    assert message.get_content().split() == " ".join(sentences_of(THRESHOLD)).split()


def test_encryption_can_begin_with_the_first_byte(mailbox: Mailbox, certified: ssl.SSLContext) -> None:
    with serving(mailbox, ssl_context=certified) as port:
        send(port, tls="implicit")
    assert len(mailbox.messages) == 1


def test_what_is_sent_again_is_the_same_message(mailbox: Mailbox) -> None:
    with serving(mailbox) as port:
        send(port, tls="none")
        send(port, tls="none")
    ids = {message["Message-ID"] for message in mailbox.messages}
    assert ids == {f"<{alert_id(THRESHOLD)}@image-routing>"}
    assert mailbox.messages[0]["Auto-Submitted"] == "auto-generated"


def test_a_server_without_encryption_gets_nothing(mailbox: Mailbox) -> None:
    with serving(mailbox) as port, pytest.raises(NotTaken, match="localhost: STARTTLS extension not supported"):
        send(port)
    assert not mailbox.messages


def test_a_server_that_nobody_vouches_for_gets_nothing(
    mailbox: Mailbox, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(mailbox, tls_context=certified) as port, pytest.raises(NotTaken, match="localhost could not be used"):
        send(port)
    assert not mailbox.messages


def test_a_wrong_password_is_told_and_not_repeated(mailbox: Mailbox, certified: ssl.SSLContext) -> None:
    with serving(mailbox, tls_context=certified, authenticator=mailbox.check) as port:
        with pytest.raises(NotTaken, match="localhost answered 535") as why:
            send(port, user="router", password="wrong")
        assert "wrong" not in str(why.value)
    assert not mailbox.messages


def test_a_refused_message_is_not_taken(mailbox: Mailbox) -> None:
    mailbox.answer = "451 try again later"
    with serving(mailbox) as port, pytest.raises(NotTaken, match="localhost answered 451: try again later"):
        send(port, tls="none")


def test_a_message_that_reaches_somebody_is_taken_and_the_rest_is_told() -> None:
    mailbox, log = Mailbox(), RecordingLog()
    mailbox.unknown = ("gone@example.com",)
    with serving(mailbox) as port:
        place = MailServer(host="localhost", port=port, tls="none")
        to = ("gone@example.com", "finance@example.com")
        EmailChannel(place, "router@example.com", to, FrozenClock(), log).send(THRESHOLD)
        with pytest.raises(NotTaken, match="knows none of the recipients"):
            send(port, to=("gone@example.com",), tls="none")
    assert len(mailbox.messages) == 1
    assert log.named("recipients_refused") == [{"host": "localhost", "recipients": ["gone@example.com"]}]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_alert_makes_a_message(mailbox: Mailbox, name: str) -> None:
    with serving(mailbox) as port:
        send(port, EXAMPLES[name], tls="none")
    assert mailbox.messages[0]["Subject"].strip() == title_of(EXAMPLES[name])


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(mailing, "TIMEOUT_S", 0.2)
    with (
        socket.create_server(("localhost", 0)) as silent,
        pytest.raises(NotTaken, match=r"did not answer within 0\.2 s"),
    ):
        send(silent.getsockname()[1], tls="none")
