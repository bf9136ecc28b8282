"""Single values: what is read, and what is answered with a way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta
from fractions import Fraction

import pytest

from routing.config import scalars
from routing.config.document import read_scalar
from routing.config.scalars import Bad
from routing.core.picture import Size
from routing.core.window import Window, WindowKind

Reader = Callable[[object], object]
NANO = 1_000_000_000


@pytest.mark.parametrize(
    ("reader", "written", "read"),
    [
        (scalars.read_money, "500.00", 500 * NANO),
        (scalars.read_money, "0.1", 100_000_000),
        (scalars.read_money, "0.000000001", 1),
        (scalars.read_money, "0", 0),
        (scalars.read_some_money, "40", 40 * NANO),
        (scalars.read_seconds, "120s", 120.0),
        (scalars.read_seconds, "15m", 900.0),
        (scalars.read_seconds, "1.5h", 5400.0),
        (scalars.read_seconds, "30d", 2_592_000.0),
        (scalars.read_bytes, "5GB", 5 * 10**9),
        (scalars.read_bytes, "1.5 MiB", 3 * 2**19),
        (scalars.read_share, "40%", Fraction(2, 5)),
        (scalars.read_share, "33.3%", Fraction(333, 1000)),
        (scalars.read_threshold, "80%", Fraction(4, 5)),
        (scalars.read_threshold, "400", 400 * NANO),
        (scalars.read_day, "2026-09-01", date(2026, 9, 1)),
        (scalars.read_window, "calendar_month", Window(kind=WindowKind.CALENDAR_MONTH)),
        (scalars.read_window, "lifetime", Window(kind=WindowKind.LIFETIME)),
        (scalars.read_window, "rolling 1h", Window(kind=WindowKind.ROLLING, length=timedelta(hours=1))),
        (scalars.read_window, "rolling 366d", Window(kind=WindowKind.ROLLING, length=timedelta(days=366))),
        (scalars.read_size, "1536x1024", Size(width=1536, height=1024)),
        (scalars.read_zone, "UTC", UTC),
        (scalars.read_name, "gpt-image-2.5-flare", "gpt-image-2.5-flare"),
        (scalars.read_name, "2026", "2026"),
        (scalars.read_env_name, "OPENAI_API_KEY", "OPENAI_API_KEY"),
        (scalars.read_url, "https://api.example.com/v1/", "https://api.example.com/v1"),
        (scalars.read_url, "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (scalars.read_label, "007", "007"),
        (scalars.read_label, "1.50", "1.50"),
    ],
)
def test_a_value_is_read_as_it_is_meant(reader: Reader, written: str, read: object) -> None:
    assert reader(read_scalar(written)) == read


@pytest.mark.parametrize(
    ("reader", "written", "said"),
    [
        (scalars.read_money, "five", "'five' is no amount"),
        (scalars.read_money, "$5", r"'\$5' is no amount"),
        (scalars.read_money, "true", "'true' is no amount"),
        (scalars.read_money, "-1", "'-1' is negative"),
        (scalars.read_money, "0.0000000001", "0.0000000001 USD is finer than a nano-dollar"),
        (scalars.read_money, "9300000000", "more than the ledger can hold"),
        (scalars.read_money, "1e999", "more than the ledger can hold"),
        (scalars.read_some_money, "0", "an amount of 0"),
        (scalars.read_price, "0", "every picture free"),
        (scalars.read_window, "monthly", "'monthly' is not known here"),
        (scalars.read_window, "calendar_mont", r"not known here \(did you mean 'calendar_month'\?\)"),
        (scalars.read_window, "5", "'5' is no window"),
        (scalars.read_window, "rolling", "'rolling' is no rolling window"),
        (scalars.read_window, "rolling 90m", "'rolling 90m' is no rolling window"),
        (scalars.read_window, "rolling 1.5h", "is no rolling window"),
        (scalars.read_window, "rolling 0h", "is no rolling window"),
        (scalars.read_window, "rolling 367d", "is no rolling window"),
        (scalars.read_seconds, "120", "'120' has no unit"),
        (scalars.read_seconds, "2 weeks", "'2 weeks' is no duration"),
        (scalars.read_seconds, "0s", "not between 0 and 100 years"),
        (scalars.read_seconds, "200000d", "not between 0 and 100 years"),
        (scalars.read_bytes, "5", "'5' has no unit"),
        (scalars.read_bytes, "5 bananas", "no amount of storage"),
        (scalars.read_bytes, "0GB", "0 bytes hold nothing"),
        (scalars.read_share, "0.4", "no percentage"),
        (scalars.read_share, "0%", "not above 0%"),
        (scalars.read_share, "101%", "at most 100%"),
        (scalars.read_day, "2026-02-30", "'2026-02-30' is no date"),
        (scalars.read_day, "20260901", "no date"),
        (scalars.read_size, "big", "'big' is no size"),
        (scalars.read_size, "1024", "'1024' is no size"),
        (scalars.read_zone, "Mars/Olympus", "no time zone"),
        (scalars.read_zone, "../../etc/passwd", "no time zone"),
        (scalars.read_name, "two words", "'two words' is no name"),
        (scalars.read_name, "-leading", "is no name"),
        (scalars.read_env_name, "$KEY", "not the name of an environment variable"),
        (scalars.read_url, "ftp://example.com", "not the base of an HTTP address"),
        (scalars.read_url, "https://example.com/?key=1", "not the base of an HTTP address"),
        (scalars.read_url, "https://me:secret@example.com", "holds a user name or password"),
        (scalars.read_label, "true", "a tag's value is text|'true' is no text"),
    ],
)
def test_a_value_that_cannot_be_is_answered_with_a_way_out(reader: Reader, written: str, said: str) -> None:
    with pytest.raises(Bad, match=said) as caught:
        reader(read_scalar(written))
    assert caught.value.hint


@pytest.mark.parametrize("reader", [scalars.read_env_name, scalars.read_url])
def test_what_may_be_a_secret_is_not_repeated(reader: Reader) -> None:
    with pytest.raises(Bad) as caught:
        reader("https://me:hunter2@example.com hunter2")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_long_value_is_shortened_in_a_message() -> None:
    assert scalars.shown("x" * 500) == repr("x" * 37 + "...")
