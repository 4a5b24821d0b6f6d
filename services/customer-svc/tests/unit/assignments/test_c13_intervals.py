"""C13: who looks after a customer from when on, by intervals that are open at the right end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from customer_svc.assignments import policy
from customer_svc.book.policy import Interval, filing_interval

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
BEGAN, SOON = NOW - timedelta(days=30), NOW + timedelta(minutes=5)
RM, NEXT, ASSISTANT, HELPER = (UUID(int=n) for n in range(1, 5))
NORTH, SOUTH = UUID(int=8), UUID(int=9)


def rm(staff_id: UUID | None, since: datetime = BEGAN, until: datetime | None = None, outlet: UUID = NORTH) -> Interval:
    return Interval("primary_rm", staff_id, outlet, since, until)


def assistant(staff_id: UUID, since: datetime = BEGAN, until: datetime | None = None, outlet: UUID = NORTH) -> Interval:
    return Interval("assistant", staff_id, outlet, since, until)


@pytest.mark.parametrize("filed_by", [RM, None])
def test_c13_a_new_customer_is_its_outlets_from_the_first_moment(filed_by: UUID | None) -> None:
    assert filing_interval(NORTH, filed_by, NOW) == Interval("primary_rm", filed_by, NORTH, NOW, None)


@pytest.mark.parametrize(
    ("book", "notice"),
    [
        ([rm(RM)], True),
        ([rm(RM, NOW)], True),  # begun this moment
        ([rm(RM, BEGAN, NOW + MOMENT)], True),
        ([rm(RM, BEGAN, NOW)], False),  # ended this moment
        ([rm(RM, NOW + MOMENT)], False),
        ([rm(None)], False),  # with the lead: nobody is taken by surprise
        ([rm(None), assistant(ASSISTANT)], False),
        ([], False),
    ],
)
def test_c13_whoever_has_the_customer_has_five_minutes_notice(book: list[Interval], notice: bool) -> None:
    assert policy.has_rm(book, NOW) is notice
    assert policy.earliest_effect(book, NOW) == (NOW + timedelta(minutes=5) if notice else NOW)


@pytest.mark.parametrize(
    ("book", "assistant_id", "after"),
    [
        ([rm(RM)], None, [rm(RM, BEGAN, SOON), rm(NEXT, SOON, None, SOUTH)]),
        (
            [rm(RM), assistant(ASSISTANT)],
            HELPER,
            [rm(RM, BEGAN, SOON), assistant(ASSISTANT, BEGAN, SOON), rm(NEXT, SOON, None, SOUTH), assistant(HELPER, SOON, None, SOUTH)],
        ),
        ([rm(RM), assistant(ASSISTANT)], None, [rm(RM, BEGAN, SOON), assistant(ASSISTANT, BEGAN, SOON), rm(NEXT, SOON, None, SOUTH)]),
        ([rm(None, SOON)], None, [rm(NEXT, SOON, None, SOUTH)]),  # what would last no moment has never been
        ([rm(RM, BEGAN, NOW), rm(None, NOW)], None, [rm(RM, BEGAN, NOW), rm(None, NOW, SOON), rm(NEXT, SOON, None, SOUTH)]),
    ],
)  # fmt: skip
def test_c13_a_transfer_ends_what_is_open_where_the_new_begins(
    book: list[Interval], assistant_id: UUID | None, after: list[Interval]
) -> None:
    assert policy.reassign(book, rm_id=NEXT, assistant_id=assistant_id, outlet_id=SOUTH, effective_at=SOON) == after


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [rm(RM, NOW)], [(rm(RM, NOW), None)]),
        ([], [rm(RM, NOW), assistant(ASSISTANT, NOW)], [(rm(RM, NOW), ASSISTANT)]),
        # A transfer to come, with the assistant who is there from its beginning on.
        (
            [rm(RM), assistant(ASSISTANT)],
            [rm(RM, BEGAN, SOON), assistant(ASSISTANT, BEGAN, SOON), rm(NEXT, SOON), assistant(HELPER, SOON)],
            [(rm(NEXT, SOON), HELPER)],
        ),
        (
            [rm(RM), assistant(ASSISTANT)],
            [rm(RM, BEGAN, SOON), assistant(ASSISTANT, BEGAN, SOON), rm(NEXT, SOON)],
            [(rm(NEXT, SOON), None)],
        ),
        # Both the present RM and the one to come have been replaced.
        (
            [rm(RM, BEGAN, SOON), rm(RM, SOON)],
            [rm(RM, BEGAN, NOW), rm(NEXT, NOW, SOON), rm(NEXT, SOON)],
            [(rm(NEXT, NOW, SOON), None), (rm(NEXT, SOON), None)],
        ),
        # No new RM, but another assistant: the present RM with the present assistant.
        (
            [rm(RM), assistant(ASSISTANT)],
            [rm(RM), assistant(ASSISTANT, BEGAN, NOW), assistant(HELPER, NOW)],
            [(rm(RM), HELPER)],
        ),
        # What has ended is not told again, nor is what begins this moment and was decided before.
        ([rm(RM, BEGAN, NOW), rm(NEXT, NOW)], [rm(RM, BEGAN, NOW), rm(NEXT, NOW)], [(rm(NEXT, NOW), None)]),
        (
            [rm(RM, BEGAN, SOON), rm(NEXT, SOON)],
            [rm(RM, BEGAN, SOON), rm(NEXT, SOON), assistant(HELPER, NOW)],
            [(rm(RM, BEGAN, SOON), HELPER)],
        ),
    ],
)
def test_c13_what_a_change_of_the_book_decided(
    before: list[Interval], after: list[Interval], told: list[tuple[Interval, UUID | None]]
) -> None:
    assert policy.new_assignments(before, after, NOW) == told


def test_c13_whoever_else_assists_goes_on() -> None:
    after = policy.hand_over([rm(RM), assistant(HELPER)], RM, NEXT, NORTH, assists=True, now=NOW)
    assert after == [rm(RM, BEGAN, NOW), rm(NEXT, NOW), assistant(HELPER)]


@pytest.mark.parametrize(
    ("mine", "theirs", "left"),
    [
        # NEXT takes the RM's place and was the assistant: of one time only one capacity is left.
        ((BEGAN, SOON), (BEGAN, None), [(BEGAN, NOW)]),
        ((BEGAN, None), (BEGAN, SOON), [(BEGAN, NOW)]),
        ((BEGAN, SOON), (SOON, None), [(SOON, None)]),  # after the time as RM
        ((SOON, None), (BEGAN, SOON), [(BEGAN, SOON)]),  # before it
        ((BEGAN, SOON), (SOON, NOW + timedelta(days=9)), [(SOON, NOW + timedelta(days=9))]),
        ((SOON, None), (SOON, None), []),
    ],
)
def test_c13_nobody_assists_himself(
    mine: tuple[datetime, datetime | None], theirs: tuple[datetime, datetime | None], left: list[tuple[datetime, datetime | None]]
) -> None:
    after = policy.hand_over([rm(RM, *mine), assistant(NEXT, *theirs)], RM, NEXT, NORTH, assists=True, now=NOW)
    assert [(i.valid_from, i.valid_to) for i in after if i.capacity == "assistant"] == left
