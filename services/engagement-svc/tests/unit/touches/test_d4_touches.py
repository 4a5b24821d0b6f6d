"""D4: which touch is due, for which occasion and by which channel."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from engagement_svc.customers.policy import Consent
from engagement_svc.touches.policy import Known, Occasion, birthday_ahead, channel_for, load_touch_standard, touch_due

TODAY: Final = date(2026, 11, 25)
STANDARD: Final = load_touch_standard()
CUSTOMER: Final = UUID(int=7)


def days(number: int) -> timedelta:
    return timedelta(days=number)


def due(**known: Any) -> tuple[str, date, date] | None:
    found = touch_due(Known(CUSTOMER, **known), TODAY, STANDARD)
    return (found.occasion.value, found.begun_on, found.expires_on) if found else None


@pytest.mark.parametrize(
    ("born", "today", "on"),
    [
        (date(1980, 12, 2), TODAY, date(2026, 12, 2)),  # seven days ahead
        (date(1980, 12, 3), TODAY, None),
        (date(1980, 11, 25), TODAY, TODAY),  # the day itself
        (date(1980, 11, 24), TODAY, None),
        (date(1980, 1, 2), date(2026, 12, 28), date(2027, 1, 2)),  # across the turn of the year
        (date(1980, 2, 29), date(2026, 2, 22), date(2026, 3, 1)),  # kept on 1 March of a common year
        (date(1980, 2, 29), date(2026, 3, 1), date(2026, 3, 1)),
        (date(1980, 2, 29), date(2028, 2, 29), date(2028, 2, 29)),
        (date(1980, 2, 29), date(2028, 3, 1), None),
    ],
)
def test_d4_a_birthday_is_near_from_a_week_before_through_the_day(born: date, today: date, on: date | None) -> None:
    assert birthday_ahead(born, today, 7) == on


@pytest.mark.parametrize(
    ("greeted_on", "again"),
    [(None, True), (TODAY - days(3), True), (TODAY - days(2), False), (TODAY, False), (TODAY - days(365), True)],
)
def test_d4_one_birthday_is_greeted_once_whoever_asked_for_it(greeted_on: date | None, again: bool) -> None:
    on = TODAY + days(5)  # the week began two days ago
    found = due(since=TODAY - days(10), birth_date=date(1980, on.month, on.day), greeted_on=greeted_on)
    assert found == (("birthday", on, on) if again else None)


def test_d4_nobody_is_touched_before_the_book_is_here() -> None:
    """The task would stand on nobody's list."""
    assert due(birth_date=date(1980, 12, 1), last_contact_on=TODAY - days(400)) is None
    assert due(birth_date=date(1980, 12, 1), since=TODAY) is not None


@pytest.mark.parametrize(
    ("since", "last_contact", "begun"),
    [
        (90, None, 0),
        (89, None, None),
        (None, None, None),
        (400, 89, None),
        (400, 90, 0),
        (100, 400, 10),  # a contact before the customer came into the book
        (119, None, 29),
        (120, None, 0),  # the next round
        (-3, None, None),
    ],
)
def test_d4_care_is_due_after_90_days_of_silence_and_every_30_days_again(
    since: int | None, last_contact: int | None, begun: int | None
) -> None:
    known = {
        "since": None if since is None else TODAY - days(since),
        "last_contact_on": None if last_contact is None else TODAY - days(last_contact),
    }
    assert due(**known) == (None if begun is None else ("care", TODAY - days(begun), TODAY + days(30)))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "care"),
        ({"has_action": True}, None),
        ({"cared_for_on": TODAY - days(10)}, None),  # in this round
        ({"cared_for_on": TODAY - days(11)}, "care"),
        ({"birth_date": date(1980, 11, 30)}, "birthday"),
        ({"birth_date": date(1980, 11, 30), "has_action": True}, "birthday"),
        ({"birth_date": date(1980, 11, 30), "greeted_on": TODAY}, "care"),
    ],
)
def test_d4_care_gives_way_to_whatever_else_is_planned(more: dict[str, Any], expected: str | None) -> None:
    found = due(since=TODAY - days(100), **more)
    assert (found[0] if found else None) == expected


def test_d4_a_touch_has_one_id_an_occasion_and_another_for_every_other() -> None:
    known = Known(CUSTOMER, since=TODAY - days(100), birth_date=date(1980, 11, 30))
    ids = set()
    for today in (TODAY, TODAY + days(1), TODAY + days(5)):
        birthday = touch_due(known, today, STANDARD)
        assert birthday is not None
        assert birthday.occasion is Occasion.BIRTHDAY
        ids.add(birthday.touch_id(CUSTOMER))
    assert len(ids) == 1
    care = touch_due(Known(CUSTOMER, since=known.since), TODAY, STANDARD)
    later = touch_due(Known(CUSTOMER, since=known.since), TODAY + days(30), STANDARD)
    assert care is not None
    assert later is not None
    ids |= {care.touch_id(CUSTOMER), later.touch_id(CUSTOMER), care.touch_id(UUID(int=8))}
    assert len(ids) == 4


def refused(*channels: str, purpose: str = "care") -> list[Consent]:
    return [Consent(purpose, channel, granted=False) for channel in channels]


@pytest.mark.parametrize(
    ("preferred", "consents", "channel"),
    [
        ((), [], "phone"),
        (("wechat", "visit"), [], "wechat"),
        (("wechat", "visit"), refused("wechat"), "visit"),
        (("pigeon",), [], "phone"),  # no channel of the bank's
        ((), refused("phone", "branch"), "visit"),
        ((), refused("phone", purpose="marketing"), "phone"),
        ((), refused(*STANDARD.channels), None),
    ],
)
def test_d4_the_channel_is_the_customers_and_never_one_that_was_refused(
    preferred: tuple[str, ...], consents: list[Consent], channel: str | None
) -> None:
    assert channel_for(preferred, consents, STANDARD) == channel
