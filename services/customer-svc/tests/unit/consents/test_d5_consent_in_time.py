"""D5: of what a customer said of a channel the latest word stands, whenever it was typed in."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from customer_svc.consents.policy import Said, counting, is_in_force, news, since_when
from guanxi_contracts.vocabularies import CHANNELS

NOW = datetime(2026, 11, 28, 2, 30, tzinfo=UTC)
MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
# 28 and 27 November in Shanghai.
TODAY = (datetime(2026, 11, 27, 16, tzinfo=UTC), datetime(2026, 11, 28, 16, tzinfo=UTC))
YESTERDAY = (TODAY[0] - DAY, TODAY[0])


@pytest.mark.parametrize(
    ("agreed_on", "granted", "since"),
    [
        (None, True, NOW),
        (None, False, NOW),
        (YESTERDAY, True, YESTERDAY[0]),
        (YESTERDAY, False, YESTERDAY[1] - MOMENT),
        (TODAY, True, TODAY[0]),
        (TODAY, False, NOW),  # the day's end lies ahead
    ],
)
def test_d5_a_grant_counts_from_the_days_beginning_a_withdrawal_from_its_end(
    agreed_on: tuple[datetime, datetime] | None, granted: bool, since: datetime
) -> None:
    assert since_when(agreed_on, NOW, granted=granted) == since


def said(granted: bool, days_ago: int, version: int, channel: str = "phone", text: str | None = "v1") -> Said:
    return Said(channel, granted, text if granted else None, NOW - DAY * days_ago, version)


@pytest.mark.parametrize(
    ("words", "stands"),
    [
        ([said(True, 5, 1), said(False, 2, 2)], False),
        ([said(False, 2, 1), said(True, 5, 2)], False),  # the form signed before the withdrawal, typed in after it
        ([said(True, 5, 1), said(False, 2, 2), said(True, 1, 3)], True),
        ([said(False, 3, 1), said(True, 3, 2)], True),  # of one moment the one that came in last
        ([said(True, 3, 1), said(False, 3, 2)], False),
    ],
)
def test_d5_what_was_said_last_counts_in_any_order(words: list[Said], stands: bool) -> None:
    for order in permutations(words):
        assert counting(order)["phone"].granted is stands


def test_d5_each_channel_has_a_word_of_its_own() -> None:
    words = [said(True, 5, 1), said(False, 4, 2, "sms"), said(True, 3, 3, "app")]
    assert {channel: one.granted for channel, one in counting(words).items()} == {"phone": True, "sms": False, "app": True}
    assert counting([]) == {}


@pytest.mark.parametrize(
    ("words", "granted", "text", "days_ago", "is_news"),
    [
        ([], True, "v1", 0, True),
        ([], False, None, 0, True),  # a refusal of what was never given
        ([said(True, 5, 1)], True, "v1", 0, False),  # the same again
        ([said(True, 5, 1)], True, "v1", 5, False),  # the same of the same time
        ([said(True, 5, 1)], True, "v2", 0, True),  # to another text
        ([said(True, 5, 1)], True, "v1", 9, True),  # the same, but earlier: it may beat a withdrawal of between
        ([said(True, 5, 1)], False, None, 0, True),
        ([said(True, 5, 1), said(False, 2, 2)], False, None, 0, False),
        ([said(True, 5, 1), said(False, 2, 2)], True, "v1", 0, True),
        ([said(True, 5, 1), said(False, 2, 2)], True, "v1", 5, False),  # an older one that was kept before
        ([said(True, 5, 1), said(False, 2, 2)], True, "v1", 4, True),
        ([said(True, 2, 1), said(False, 2, 2)], True, "v1", 2, True),  # of one moment the one that came in last counts
        ([said(False, 2, 1, "sms")], False, None, 0, True),  # of another channel
        ([said(True, 5, 1), said(False, 2, 2, "sms")], False, None, 2, True),
    ],
)
def test_d5_what_is_news(words: list[Said], granted: bool, text: str | None, days_ago: int, is_news: bool) -> None:
    since = NOW - DAY * days_ago
    assert news(words, ["phone"], granted=granted, text_version=text, since=since) == ["phone"] * is_news


def test_d5_without_channels_all_are_meant_in_the_order_of_the_vocabulary() -> None:
    everything = news([], None, granted=True, text_version="v1", since=NOW)
    assert everything == list(CHANNELS)
    known = news([said(True, 1, 1, "sms")], None, granted=True, text_version="v1", since=NOW)
    assert known == [channel for channel in CHANNELS if channel != "sms"]
    assert news([], ["sms", "phone"], granted=True, text_version="v1", since=NOW) == [
        c for c in CHANNELS if c in ("sms", "phone")
    ]


@pytest.mark.parametrize(
    ("words", "days_ago", "in_force"),
    [
        ([], 0, True),
        ([said(False, 2, 1)], 0, True),
        ([said(False, 2, 1)], 2, True),  # of one moment what comes in last
        ([said(False, 2, 1)], 3, False),
        ([said(False, 2, 1, "sms")], 3, True),
        ([said(False, 5, 1), said(True, 2, 2)], 3, False),
    ],
)
def test_d5_an_older_statement_never_beats_a_later_one(words: list[Said], days_ago: int, in_force: bool) -> None:
    assert is_in_force(words, "phone", NOW - DAY * days_ago) is in_force
