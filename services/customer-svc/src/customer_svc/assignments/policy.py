"""Pure rules of assignment: when a change may take effect, and what the book says afterwards."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from guanxi_common.security.directory.values import Staff

from customer_svc.book.policy import Interval

NOTICE = timedelta(minutes=5)
"""A transfer is decided this long before it takes effect (see the slice's docstring)."""

SETTLED = timedelta(minutes=1)
"""From this long before it takes effect a transfer stays as it is: the services would not all hear of a change in time, nor would one
that waits for the customer's row."""

ASSISTS = frozenset({"rm_assistant", "relationship_manager"})


def has_rm(book: list[Interval], now: datetime) -> bool:
    return any(i.staff_id for i in book if i.capacity == "primary_rm" and _valid(i, now))


def pending_transfer(book: list[Interval], now: datetime) -> Interval | None:
    """The primary interval that is decided and has not begun."""
    return next((i for i in book if i.capacity == "primary_rm" and i.valid_from > now), None)


def is_settled(transfer: Interval, now: datetime) -> bool:
    """Whether it is too late to replace or cancel a pending transfer."""
    return transfer.valid_from - now < SETTLED


def without_transfer(book: list[Interval], now: datetime) -> list[Interval]:
    """The book as if the pending transfer had never been decided: what it would have ended stays open."""
    begun = [i for i in book if i.valid_from <= now]
    return [replace(i, valid_to=None) if i.valid_to is not None and i.valid_to > now else i for i in begun]


def earliest_effect(book: list[Interval], now: datetime) -> datetime:
    return now + NOTICE if has_rm(book, now) else now


def reassign(
    book: list[Interval],
    *,
    rm_id: UUID,
    assistant_id: UUID | None,
    outlet_id: UUID,
    effective_at: datetime,
) -> list[Interval]:
    """The book after the change: what is open ends at `effective_at`, where the new intervals begin.

    Intervals never overlap within a capacity, and the primary capacity has no gap.
    """
    kept = [i if i.valid_to is not None else replace(i, valid_to=effective_at) for i in book]
    kept = [i for i in kept if i.valid_to is None or i.valid_to > i.valid_from]
    kept.append(Interval("primary_rm", rm_id, outlet_id, effective_at))
    if assistant_id is not None:
        kept.append(Interval("assistant", assistant_id, outlet_id, effective_at))
    return kept


def hand_over(book: list[Interval], leaving: UUID, to: UUID, outlet_id: UUID, *, assists: bool, now: datetime) -> list[Interval]:
    """The book after `to` has taken the place of `leaving` in everything that is valid now or later; what has been stays.

    Of the assistant's intervals only those move in which `to` may assist and is not the RM; the others end.
    """
    after: list[Interval] = []
    for interval in book:
        if interval.staff_id != leaving or (interval.valid_to is not None and interval.valid_to <= now):
            after.append(interval)
            continue
        if interval.valid_from < now:
            after.append(replace(interval, valid_to=now))
        taken = replace(interval, staff_id=to, outlet_id=outlet_id, valid_from=max(interval.valid_from, now))
        if taken.capacity == "primary_rm" or assists:
            after.append(taken)
    kept = [i for i in after if i.capacity == "primary_rm" and i.staff_id == to]
    doubled = [i for i in after if i.capacity == "assistant" and i.staff_id == to and any(_overlap(i, own) for own in kept)]
    begun = [replace(i, valid_to=now) for i in doubled if i.valid_from < now]
    return [i for i in after if i not in doubled] + begun


def new_assignments(before: list[Interval], after: list[Interval], now: datetime) -> list[tuple[Interval, UUID | None]]:
    """What a change of the book decided: each primary interval that it made, with the assistant from its beginning on; if it made
    none, the present one."""
    primary = [i for i in after if i.capacity == "primary_rm"]
    made = [i for i in primary if i not in before and i.valid_from >= now]
    return [(rm, _assistant_at(after, max(rm.valid_from, now))) for rm in made or [i for i in primary if _valid(i, now)]]


def _assistant_at(book: list[Interval], at: datetime) -> UUID | None:
    return next((i.staff_id for i in book if i.capacity == "assistant" and _valid(i, at)), None)


def needs_empty_book(before: Staff, after: Staff) -> bool:
    """Whether a change of a member of staff takes them away from their customers: leaving, another outlet, another role."""
    left = before.active and not after.active
    return left or (before.outlet_id, before.role) != (after.outlet_id, after.role)


def _overlap(one: Interval, other: Interval) -> bool:
    ends = [i.valid_to for i in (one, other) if i.valid_to is not None]
    return not ends or max(one.valid_from, other.valid_from) < min(ends)


def _valid(interval: Interval, now: datetime) -> bool:
    return interval.valid_from <= now and (interval.valid_to is None or now < interval.valid_to)
