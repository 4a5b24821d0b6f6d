"""What a consumer decides, without a database: every rule of the three kinds of topic."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.envelope import Version
from guanxi_common.messaging.policy import Arrival, Plan, Role, State, TopicRules, Verdict, decide, is_jump, plan_batch, plan_one
from guanxi_contracts.topics import TopicKind
from guanxi_testing.fabric import ASSIGNED, CHANGED, CHANGES, COMPLETED, FACTS, OPENED, SNAPSHOT, SNAPSHOTS, record
from hypothesis import given
from hypothesis import strategies as st

KEY = (CHANGES, "c")
RULES = {
    FACTS: TopicRules("facts", frozenset({OPENED}), frozenset({OPENED, COMPLETED})),
    CHANGES: TopicRules("changes", frozenset({CHANGED}), frozenset({CHANGED, ASSIGNED})),
    SNAPSHOTS: TopicRules("snapshots", frozenset({SNAPSHOT}), frozenset({SNAPSHOT})),
}
_offsets = iter(range(10**9))


def arrival(topic: str, type_: str, version: int | None = None, *, key: str = "c", **known: Any) -> Arrival:
    sent = record(
        topic,
        key,
        type_,
        version=version,
        epoch=known.get("epoch"),
        event_id=known.get("event_id"),
        data=known.get("data", {"customer_id": key}),
    )
    read = Record(topic, 0, next(_offsets), sent.key, sent.value, sent.headers, 0)
    return arrive(read, parked_id=known.get("parked_id"))


def change(version: int, type_: str = CHANGED, **known: Any) -> Arrival:
    return arrival(CHANGES, type_, version, **known)


def broken(topic: str, key: str = "c") -> Arrival:
    sent = record(topic, key, OPENED, data=b"{no json")
    return arrive(Record(topic, 0, next(_offsets), sent.key, sent.value, sent.headers, 0))


def at(number: int, epoch: int = 1) -> Version:
    return Version(epoch, number)


def versions(arrivals: Iterable[Arrival]) -> list[int | None]:
    return [arrival.envelope.aggregate_version if arrival.envelope else None for arrival in arrivals]


def outcomes(plan: Plan) -> dict[str, int]:
    return {outcome: count for (_, outcome), count in plan.outcomes.items() if count}


def plan(*arrivals: Arrival, state: State | None = None) -> Plan:
    return plan_batch(RULES, state or State(), arrivals)


@pytest.mark.parametrize(
    ("kind", "last", "version", "verdict"),
    [
        ("changes", None, at(7), Verdict.APPLY),
        ("changes", at(6), at(7), Verdict.APPLY),
        ("changes", at(7), at(7), Verdict.SKIP),
        ("changes", at(8), at(7), Verdict.SKIP),
        ("changes", at(5), at(7), Verdict.PARK),
        ("snapshots", None, at(7), Verdict.APPLY),
        ("snapshots", at(2), at(7), Verdict.APPLY),
        ("snapshots", at(7), at(7), Verdict.SKIP),
        # Restored at 5 of 9: the first change of the new epoch is a baseline, whatever its number.
        ("changes", at(9), at(6, epoch=2), Verdict.APPLY),
        ("changes", at(9), at(12, epoch=2), Verdict.APPLY),
        ("changes", at(6, epoch=2), at(7, epoch=2), Verdict.APPLY),
        ("changes", at(6, epoch=2), at(8, epoch=2), Verdict.PARK),
        ("changes", at(6, epoch=2), at(7), Verdict.SKIP),
        ("changes", at(6, epoch=2), at(90), Verdict.SKIP),
        ("snapshots", at(9), at(6, epoch=2), Verdict.APPLY),
        ("snapshots", at(6, epoch=2), at(90), Verdict.SKIP),
        ("snapshots", at(6, epoch=2), at(6, epoch=2), Verdict.SKIP),
    ],
)
def test_d20_a_version_is_decided_by_the_last_one_and_its_epoch(
    kind: Any, last: Version | None, version: Version, verdict: Verdict
) -> None:
    assert decide(kind, last, version) is verdict


def test_d20_a_record_without_an_epoch_is_of_the_first() -> None:
    planned = plan(arrival(SNAPSHOTS, SNAPSHOT, 4), state=State(versions={(SNAPSHOTS, "c"): at(3)}))
    assert planned.versions == {(SNAPSHOTS, "c"): (at(3), at(4))}


def test_d20_a_baseline_of_a_later_epoch_ends_the_waiting_of_an_earlier_one() -> None:
    stored = State(versions={KEY: at(5)}, waiting={KEY: {at(8): change(8, parked_id=3)}})
    planned = plan(change(7), change(6, epoch=2), change(7, epoch=2), change(6), state=stored)
    assert versions(planned.apply) == [6, 7]
    assert planned.versions == {KEY: (at(5), at(7, epoch=2))}
    assert (planned.parked, planned.unparked, outcomes(planned)) == ([], [3], {"applied": 2, "stale": 3})


@given(st.data())
def test_d20_any_schedule_of_two_epochs_ends_at_the_newest_version_of_the_newest_epoch(data: st.DataObject) -> None:
    """The owner was at `before`, is restored to `restored` and edits `edits` times. Records come twice, late, in batches of any
    size and in any order, and what was lost comes again, as the outbox sees to."""
    topic, kind = data.draw(st.sampled_from([(CHANGES, CHANGED), (SNAPSHOTS, SNAPSHOT)]))
    before = data.draw(st.integers(1, 9))
    restored, edits = data.draw(st.integers(0, before)), data.draw(st.integers(1, 4))
    written = [at(number) for number in range(1, before + 1)]
    written += [at(number, epoch=2) for number in range(restored + 1, restored + edits + 1)]
    sent = data.draw(st.permutations(written + data.draw(st.lists(st.sampled_from(written), max_size=6))))
    keeper = Keeper()
    for version in [*sent, *written]:
        keeper.take(arrival(topic, kind, version.number, epoch=version.epoch, event_id=event_id_of(version)))
    assert keeper.applied == sorted(set(keeper.applied)), "never back, never twice"
    assert keeper.applied[-1] == written[-1]
    assert keeper.waiting == {}


def event_id_of(version: Version) -> UUID:
    return UUID(int=version.epoch * 1_000 + version.number)


class Keeper:
    """What a consumer keeps of one key between batches of one record, and what it has applied."""

    def __init__(self) -> None:
        self.applied: list[Version] = []
        self.waiting: dict[Version, Arrival] = {}
        self._seen: dict[UUID, int] = {}
        self._last: Version | None = None
        self._parked = 0

    def take(self, record: Arrival) -> None:
        assert record.envelope is not None
        key = (record.envelope.topic, record.envelope.key)
        last = {} if self._last is None else {key: self._last}
        planned = plan(record, state=State(seen=self._seen, versions=last, waiting={key: self.waiting}))
        self.waiting = {v: one for v, one in self.waiting.items() if one.parked_id not in planned.unparked}
        for one, _ in planned.parked:
            self._parked += 1
            assert one.envelope is not None
            self.waiting[one.envelope.version] = replace(one, parked_id=self._parked)
        self.applied += [one.envelope.version for one in planned.apply if one.envelope]
        self._last = planned.versions.get(key, (None, self._last))[1]
        if record.envelope.topic == CHANGES:
            self._seen = {**self._seen, record.envelope.id: record.payload_hash}


def test_the_first_version_seen_is_the_baseline() -> None:
    planned = plan(change(7), change(8))
    assert versions(planned.apply) == [7, 8]
    assert planned.versions == {KEY: (None, at(8))}


def test_every_order_of_four_changes_is_applied_as_one_to_four() -> None:
    for order in permutations([1, 2, 3, 4]):
        planned = plan(*(change(version) for version in order), state=State(versions={KEY: at(0)}))
        assert versions(planned.apply) == [1, 2, 3, 4]
        assert planned.parked == []


def test_a_gap_parks_and_its_filling_brings_back_what_is_stored() -> None:
    parked = plan(change(7), state=State(versions={KEY: at(5)}))
    assert [(versions([a]), reason) for a, reason in parked.parked] == [([7], "gap")]
    assert parked.versions == {}
    stored = State(versions={KEY: at(5)}, waiting={KEY: {at(7): change(7, parked_id=1), at(9): change(9, parked_id=2)}})
    filled = plan(change(6), state=stored)
    assert versions(filled.apply) == [6, 7]
    assert (filled.unparked, filled.parked) == ([1], [])
    assert filled.versions == {KEY: (at(5), at(7))}


def test_an_ignored_type_advances_the_version_of_changes() -> None:
    planned = plan(change(2, ASSIGNED), change(3), state=State(versions={KEY: at(1)}))
    assert versions(planned.apply) == [3]
    assert outcomes(planned) == {"ignored": 1, "applied": 1}


def test_an_unknown_type_is_ignored_and_counted() -> None:
    planned = plan(arrival(FACTS, "guanxi.weather.turned.v1"))
    assert (planned.apply, planned.dead, outcomes(planned)) == ([], [], {"ignored": 1})


def test_an_unknown_major_version_is_a_dead_letter() -> None:
    planned = plan(arrival(FACTS, "guanxi.task.opened.v9"))
    assert [burial.reason for burial in planned.dead] == ["unsupported_version"]


def test_another_known_major_version_of_a_handled_type_does_not_use_up_the_version() -> None:
    rules = {CHANGES: TopicRules("changes", frozenset({CHANGED}), frozenset({CHANGED, "guanxi.customer.changed.v2"}))}
    planned = plan_batch(rules, State(versions={KEY: at(1)}), [change(2, "guanxi.customer.changed.v2"), change(2)])
    assert versions(planned.apply) == [2]
    assert rules[CHANGES].role("guanxi.customer.changed.v2") is Role.SIBLING


def test_a_fact_is_applied_once_per_id() -> None:
    event_id = uuid4()
    first, again = (arrival(FACTS, OPENED, event_id=event_id) for _ in range(2))
    assert outcomes(plan(first, again)) == {"applied": 1, "duplicate": 1}
    assert outcomes(plan(again, state=State(seen={event_id: first.payload_hash}))) == {"duplicate": 1}


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_same_id_with_another_payload_is_a_dead_letter(in_one_batch: bool) -> None:
    event_id = uuid4()
    first, forged = (arrival(FACTS, OPENED, event_id=event_id, data={"n": n}) for n in (1, 2))
    planned = plan(first, forged) if in_one_batch else plan(forged, state=State(seen={event_id: first.payload_hash}))
    assert [burial.reason for burial in planned.dead] == ["payload_differs"]


def test_where_the_handler_dedupes_the_inbox_does_not() -> None:
    rules = {FACTS: TopicRules("facts", frozenset({OPENED}), frozenset({OPENED}), "handler")}
    event_id = uuid4()
    planned = plan_batch(rules, State(), [arrival(FACTS, OPENED, event_id=event_id) for _ in range(2)])
    assert outcomes(planned) == {"applied": 2}


def test_a_snapshot_is_applied_if_newer_and_never_parked() -> None:
    planned = plan(*(arrival(SNAPSHOTS, SNAPSHOT, version) for version in (5, 3, 9, 9)))
    assert versions(planned.apply) == [5, 9]
    assert outcomes(planned) == {"applied": 2, "stale": 2}


def test_a_change_without_a_version_is_a_dead_letter() -> None:
    assert [burial.reason for burial in plan(arrival(CHANGES, CHANGED)).dead] == ["missing_version"]


def test_behind_a_dead_letter_its_key_waits_and_others_do_not() -> None:
    planned = plan(broken(FACTS), arrival(FACTS, OPENED), arrival(FACTS, OPENED, key="other"))
    assert [burial.reason for burial in planned.dead] == ["invalid_json"]
    assert [reason for _, reason in planned.parked] == ["behind"]
    assert [a.envelope.key for a in planned.apply if a.envelope] == ["other"]
    blocked = plan(arrival(FACTS, OPENED), state=State(blocked={(FACTS, "c")}))
    assert (blocked.apply, len(blocked.parked)) == ([], 1)


def test_a_dead_letter_without_a_key_blocks_nothing() -> None:
    keyless = arrive(Record(FACTS, 0, 0, None, b"{}", (), 0))
    planned = plan(keyless, arrival(FACTS, OPENED))
    assert (len(planned.dead), len(planned.apply)) == (1, 1)


def test_a_buried_change_keeps_its_version_and_its_successor_waits_behind_it() -> None:
    stored = State(versions={KEY: at(1)}, waiting={KEY: {at(3): change(3, parked_id=4)}})
    planned = plan(change(2, "guanxi.customer.changed.v9"), state=stored)
    assert versions(burial.arrival for burial in planned.dead) == [2]
    assert planned.versions == {KEY: (at(1), at(2))}
    assert [(a.parked_id, reason) for a, reason in planned.parked] == [(4, "behind")]


def test_an_unfit_change_in_a_gap_is_buried_only_when_its_turn_comes() -> None:
    planned = plan(change(3, "guanxi.customer.changed.v9"), state=State(versions={KEY: at(1)}))
    assert (planned.dead, [reason for _, reason in planned.parked]) == ([], ["gap"])


def test_one_step_leaves_the_rest_led_by_the_waiting_successor() -> None:
    waiting = change(3, parked_id=9)
    later = change(5)
    planned = plan_one(RULES, State(versions={KEY: at(1)}, waiting={KEY: {at(3): waiting}}), [change(2), later])
    assert versions(planned.apply) == [2]
    assert planned.rest == [waiting, later]
    planned.bury("rule", "why")
    assert (planned.apply, versions(burial.arrival for burial in planned.dead)) == ([], [2])
    assert planned.versions == {KEY: (at(1), at(2))}


def test_what_is_released_loses_its_parked_row_even_if_it_is_stale() -> None:
    planned = plan(change(2, parked_id=1), change(3, parked_id=2), state=State(versions={KEY: at(2)}))
    assert planned.unparked == [1, 2]
    assert versions(planned.apply) == [3]


def test_ids_of_events_are_those_on_the_wire() -> None:
    event_id = UUID(int=5)
    arrived = arrival(FACTS, OPENED, event_id=event_id)
    assert arrived.envelope is not None
    assert arrived.envelope.id == event_id


@pytest.mark.parametrize(
    ("kind", "last", "version", "jumps"),
    [
        ("snapshots", None, (1, 10**15), False),  # the first
        ("snapshots", (1, 5), (1, 10_005), False),
        ("snapshots", (1, 5), (1, 10_006), True),
        ("snapshots", (1, 20_000), (2, 5), False),  # after a restore the versions begin lower
        ("snapshots", (1, 5), (2, 40_000), False),
        ("snapshots", (1, 5), (10_002, 6), True),
        ("changes", (1, 5), (1, 10_006), False),  # parked, and seen as a gap
    ],
)
def test_d19_a_jump_is_a_version_more_than_ten_thousand_ahead(
    kind: TopicKind, last: tuple[int, int] | None, version: tuple[int, int], jumps: bool
) -> None:
    assert is_jump(kind, last and Version(*last), Version(*version)) is jumps
