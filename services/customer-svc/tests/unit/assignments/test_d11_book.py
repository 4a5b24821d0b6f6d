"""D11: what the book says after a transfer was decided, replaced or cancelled."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from customer_svc.assignments import policy
from customer_svc.book.policy import Interval

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
    found = policy.pending_transfer(book, at)
    assert (found == Interval("primary_rm", NEXT, SOUTH, LATER)) is pending


@pytest.mark.parametrize(
    ("before", "settled"),
    [(timedelta(minutes=5), False), (timedelta(seconds=60), False), (timedelta(seconds=59.9), True), (timedelta(0), True)],
)
def test_d11_in_its_last_minute_a_transfer_stays_as_it_is(before, settled):
    assert policy.is_settled(Interval("primary_rm", NEXT, SOUTH, LATER), LATER - before) is settled
