"""D11: what the book says after a transfer was decided, replaced or cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from customer_svc.assignments import policy
from customer_svc.book.policy import Interval
from guanxi_common.security.directory.values import Staff

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
BEGAN, LATER, LATEST = NOW - timedelta(days=30), NOW + timedelta(days=3), NOW + timedelta(days=9)
RM, NEXT, OTHER, ASSISTANT = (UUID(int=n) for n in range(1, 5))
NORTH, SOUTH = UUID(int=8), UUID(int=9)
MINE = Interval("primary_rm", RM, NORTH, BEGAN)
HELP = Interval("assistant", ASSISTANT, NORTH, BEGAN)
PAST = Interval("primary_rm", OTHER, SOUTH, BEGAN - timedelta(days=9), BEGAN)


def transferred(book: list[Interval], assistant: UUID | None = None) -> list[Interval]:
    return policy.reassign(book, rm_id=NEXT, assistant_id=assistant, outlet_id=SOUTH, effective_at=LATER)


@pytest.mark.parametrize("book", [[MINE], [PAST, MINE], [MINE, HELP], [PAST, MINE, HELP]])
@pytest.mark.parametrize("assistant", [None, ASSISTANT, OTHER])
def test_d11_a_cancelled_transfer_leaves_the_book_as_it_was(book, assistant):
    assert policy.without_transfer(transferred(book, assistant), NOW) == book


@pytest.mark.parametrize(
    "book",
    [
        [MINE, HELP],  # nothing is pending
        [Interval("primary_rm", RM, NORTH, NOW)],  # begun this moment
        [Interval("primary_rm", RM, NORTH, BEGAN, NOW), Interval("primary_rm", OTHER, NORTH, NOW)],  # ended this moment
    ],
)
def test_d11_without_a_transfer_there_is_nothing_to_cancel(book):
    assert policy.without_transfer(book, NOW) == book


def test_d11_a_replaced_transfer_leaves_no_gap_and_no_overlap():
    book = policy.without_transfer(transferred([PAST, MINE, HELP]), NOW)
    book = policy.reassign(book, rm_id=OTHER, assistant_id=None, outlet_id=NORTH, effective_at=LATEST)
    assert book == [
        PAST,
        Interval("primary_rm", RM, NORTH, BEGAN, LATEST),
        Interval("assistant", ASSISTANT, NORTH, BEGAN, LATEST),
        Interval("primary_rm", OTHER, NORTH, LATEST),
    ]


@pytest.mark.parametrize(
    ("book", "at", "pending"),
    [
        ([MINE], NOW, False),
        (transferred([MINE]), NOW, True),
        (transferred([MINE]), LATER - timedelta(microseconds=1), True),
        (transferred([MINE]), LATER, False),
        ([MINE, Interval("assistant", ASSISTANT, NORTH, LATER)], NOW, False),
    ],
)
def test_d11_a_transfer_is_pending_until_it_takes_effect(book, at, pending):
    assert policy.pending_transfer(book, at) == (Interval("primary_rm", NEXT, SOUTH, LATER) if pending else None)


@pytest.mark.parametrize(
    ("before", "settled"),
    [(timedelta(minutes=5), False), (timedelta(seconds=60), False), (timedelta(seconds=59.9), True), (timedelta(0), True)],
)
def test_d11_in_its_last_minute_a_transfer_stays_as_it_is(before, settled):
    assert policy.is_settled(Interval("primary_rm", NEXT, SOUTH, LATER), LATER - before) is settled


HANDED = [
    # whose book, what is expected of it after NEXT (of SOUTH) has taken RM's place at NOW
    ([PAST, MINE], [PAST, Interval("primary_rm", RM, NORTH, BEGAN, NOW), Interval("primary_rm", NEXT, SOUTH, NOW)]),
    ([Interval("primary_rm", RM, NORTH, NOW)], [Interval("primary_rm", NEXT, SOUTH, NOW)]),
    (
        [Interval("primary_rm", RM, NORTH, BEGAN, LATER), Interval("primary_rm", OTHER, NORTH, LATER)],
        [
            Interval("primary_rm", RM, NORTH, BEGAN, NOW),
            Interval("primary_rm", NEXT, SOUTH, NOW, LATER),
            Interval("primary_rm", OTHER, NORTH, LATER),
        ],
    ),
    (
        [Interval("primary_rm", OTHER, NORTH, BEGAN, LATER), Interval("primary_rm", RM, NORTH, LATER)],
        [Interval("primary_rm", OTHER, NORTH, BEGAN, LATER), Interval("primary_rm", NEXT, SOUTH, LATER)],
    ),
    (
        [MINE, Interval("assistant", NEXT, NORTH, BEGAN)],
        [
            Interval("primary_rm", RM, NORTH, BEGAN, NOW),
            Interval("primary_rm", NEXT, SOUTH, NOW),
            Interval("assistant", NEXT, NORTH, BEGAN, NOW),
        ],
    ),
    (
        [Interval("primary_rm", OTHER, NORTH, BEGAN), Interval("assistant", RM, NORTH, BEGAN)],
        [
            Interval("primary_rm", OTHER, NORTH, BEGAN),
            Interval("assistant", RM, NORTH, BEGAN, NOW),
            Interval("assistant", NEXT, SOUTH, NOW),
        ],
    ),
    (
        [Interval("primary_rm", NEXT, SOUTH, BEGAN), Interval("assistant", RM, NORTH, BEGAN)],
        [Interval("primary_rm", NEXT, SOUTH, BEGAN), Interval("assistant", RM, NORTH, BEGAN, NOW)],
    ),
    ([Interval("primary_rm", RM, NORTH, BEGAN, NOW), Interval("primary_rm", OTHER, NORTH, NOW)], None),
]


@pytest.mark.parametrize(("book", "after"), HANDED)
def test_d11_a_hand_over_takes_what_is_and_what_is_to_come_and_leaves_what_was(book, after):
    assert policy.hand_over(book, RM, NEXT, SOUTH, assists=True, now=NOW) == (book if after is None else after)


def test_d11_who_may_not_assist_leaves_the_customers_without_an_assistant():
    book = [Interval("primary_rm", OTHER, NORTH, BEGAN), Interval("assistant", RM, NORTH, BEGAN)]
    after = policy.hand_over(book, RM, NEXT, SOUTH, assists=False, now=NOW)
    assert after == [Interval("primary_rm", OTHER, NORTH, BEGAN), Interval("assistant", RM, NORTH, BEGAN, NOW)]
    taken = [Interval("primary_rm", RM, NORTH, BEGAN, NOW), Interval("primary_rm", NEXT, SOUTH, NOW)]
    assert policy.hand_over([MINE], RM, NEXT, SOUTH, assists=False, now=NOW) == taken


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        ({}, False),
        ({"name": "B"}, False),
        ({"suspended": True}, False),
        ({"reports_to": OTHER, "deputy_id": OTHER}, False),
        ({"active": False}, True),
        ({"role": "team_lead"}, True),
        ({"outlet_id": SOUTH}, True),
        ({"outlet_id": None}, True),
    ],
)
def test_d11_what_takes_somebody_away_from_their_customers(facts, needed):
    staff = Staff(RM, "iss", "rm", "A", "relationship_manager", NORTH, None, True, 1)
    assert policy.needs_empty_book(staff, replace(staff, **facts)) is needed
    gone = replace(staff, active=False)
    assert not policy.needs_empty_book(gone, staff)
    assert not policy.needs_empty_book(gone, replace(gone, name="B"))
