"""A service's processes are built from what its slices offer."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.routes import router
from guanxi_common.jobs import WorkerParts
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.processing import Handler, Subscription
from guanxi_common.slices import Slice, Slices, joined
from guanxi_common.work import Work

pytestmark = pytest.mark.anyio

NO_UOW, NO_EVENTS = cast("UnitOfWork", None), cast("Sequence[Envelope]", ())
PARTS = WorkerParts(clock=ManualClock(datetime(2026, 11, 23, 16, 30, tzinfo=UTC)), calendar=BusinessCalendar())


class Steps:
    """Handlers that say when they were called."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def named(self, name: str) -> Handler:
        async def handle(_uow: UnitOfWork, _events: Sequence[Envelope]) -> None:
            self.called.append(name)

        return handle


async def test_8a_slices_that_take_one_type_stand_behind_each_other_in_their_order() -> None:
    steps = Steps()
    replica, follow = steps.named("replica"), steps.named("follow")
    [one] = joined(
        [
            Subscription("customer.snapshots", {"a": replica, "b": replica}),
            Subscription("customer.snapshots", {"b": follow, "a": follow}),
        ]
    )
    assert one.handlers["a"] is one.handlers["b"], "both types stay interleaved"
    await one.handlers["a"](NO_UOW, NO_EVENTS)
    assert steps.called == ["replica", "follow"]


async def test_8a_the_types_of_a_topic_go_to_the_slices_that_take_them() -> None:
    steps = Steps()
    contacts, answers = steps.named("contacts"), steps.named("answers")
    topics = joined(
        [
            Subscription("engagement.activities", {"interaction": contacts}),
            Subscription("bank.accounts", {"opened": contacts}),
            Subscription("engagement.activities", {"accepted": answers}),
        ]
    )
    assert [(one.topic, dict(one.handlers)) for one in topics] == [
        ("engagement.activities", {"interaction": contacts, "accepted": answers}),
        ("bank.accounts", {"opened": contacts}),
    ]


async def test_8a_a_step_that_fails_ends_the_batch_before_those_behind_it() -> None:
    steps = Steps()

    async def fail(_uow: UnitOfWork, _events: Sequence[Envelope]) -> None:
        raise OSError("away")

    [one] = joined([Subscription("bank.accounts", {"a": fail}), Subscription("bank.accounts", {"a": steps.named("late")})])
    with pytest.raises(OSError, match="away"):
        await one.handlers["a"](NO_UOW, NO_EVENTS)
    assert steps.called == []


@pytest.mark.parametrize("other", [{"dedupe": "inbox"}, {"dedupe": "handler", "parsed_by": "handler"}])
def test_8a_a_topic_is_read_in_one_way(other: Any) -> None:
    handler = Steps().named("any")
    with pytest.raises(ValueError, match="different ways"):
        joined(
            [
                Subscription("bank.transactions", {"a": handler}, dedupe="handler"),
                Subscription("bank.transactions", {"b": handler}, **other),
            ]
        )


async def test_8a_a_job_works_in_its_own_name_at_one_instant_of_the_clock() -> None:
    seen: list[Work] = []

    async def review(work: Work) -> int:
        seen.append(work)
        return 3

    assert await PARTS.job("review-tiers", 1.0, review).run(NO_UOW) == 3
    assert [(work.actor, work.now, work.today) for work in seen] == [
        ("system:review-tiers", PARTS.clock.now(), date(2026, 11, 24))
    ]


def test_8a_a_service_offers_what_its_slices_do_in_their_order() -> None:
    first, second = router("first"), router("second")

    async def nothing(_: Work) -> int:
        return 0

    slices = Slices(
        Slice(routers=[first], jobs=lambda parts: [parts.job("a", 1.0, nothing)]),
        Slice(subscriptions=lambda _: [Subscription("bank.accounts", {"opened": Steps().named("any")})]),
        Slice(routers=[second], jobs=lambda parts: [parts.job("b", 1.0, nothing)]),
    )
    assert slices.routers == [first, second]
    assert [job.name for job in slices.jobs(PARTS)] == ["a", "b"]
    assert [one.topic for one in slices.subscriptions(PARTS)] == ["bank.accounts"]
    assert (slices.snapshots(PARTS), slices.hot_routes) == ([], [])
