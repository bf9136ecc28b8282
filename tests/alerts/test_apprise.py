"""Apprise, with the real library: its address for a JSON receiver on loopback."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from routing.alerts.apprise import AppriseChannel
from routing.alerts.base import NotTaken
from routing.alerts.words import title_of
from tests.alerts.receiver import THRESHOLD

if TYPE_CHECKING:
    from tests.alerts.receiver import Receiver

# The library imports modules that Python 3.13 has no more, where it is older.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


def test_apprise_carries_title_and_sentences(receiver: Receiver) -> None:
    AppriseChannel(receiver.url.replace("http://", "json://"), what="APPRISE_URL").send(THRESHOLD)
    (arrived,) = receiver.arrived
    told = json.loads(arrived.body)
    assert told["title"] == title_of(THRESHOLD)
    assert "Spent: $400.12 of $500.00" in told["message"]


def test_a_service_that_fails_does_not_take_it(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(NotTaken, match="could not notify"):
        AppriseChannel(receiver.url.replace("http://", "json://"), what="APPRISE_URL").send(THRESHOLD)


def test_an_address_that_apprise_does_not_know_is_told_and_not_repeated() -> None:
    with pytest.raises(NotTaken) as why:
        AppriseChannel("pigeon://secret", what="APPRISE_URL").send(THRESHOLD)
    assert str(why.value) == "APPRISE_URL holds no address that Apprise knows"


def test_without_the_library_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(
        NotTaken,
        match=r"pip install 'apprise>=1\.9,<3', or, .* pip install '\.\[apprise\]'",
    ):
        AppriseChannel("json://localhost", what="APPRISE_URL").send(THRESHOLD)
