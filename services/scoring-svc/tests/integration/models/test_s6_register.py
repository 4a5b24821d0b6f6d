"""S6: a version goes from candidate to retired by two persons' steps; of two at once one wins; a rollback returns to what was before."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.errors import DomainError, NotFound
from guanxi_common.ids import new_id
from guanxi_testing.work import work_by
from scoring_svc.register import repository, service
from scoring_svc.register.errors import OtherActive, SamePerson, WrongState
from scoring_svc.register.policy import Role, State
from scoring_svc.register.repository import Artefact, ModelVersion, Step
from scoring_svc.shipped import load_method

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
TRAINER, APPROVER, OPERATOR = "staff:trainer", "staff:approver", "staff:operator"


class Register:
    """The register as operators use it, each step in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, state: State = State.BACK_TESTED, name: str = "retention") -> UUID:
        """A version as a training leaves it; its artefact is never loaded here."""
        async with self.database.transaction() as uow:
            await repository.lock_name(uow, name)
            number = await repository.next_number(uow, name)
            version = ModelVersion(
                new_id(), name, number, "logistic", State.CANDIDATE, TRAINER, NOW + timedelta(seconds=number), {}, {}, "0"
            )
            await repository.insert_version(uow, version, "# card", Artefact("{}", b""), {})
            await repository.record_step(uow, version.id, Step(None, State.CANDIDATE, TRAINER, NOW, "trained"))
            if state is not State.CANDIDATE:
                await repository.record_step(uow, version.id, Step(State.CANDIDATE, State.BACK_TESTED, TRAINER, NOW, "judged"))
            await uow.commit()
        return version.id

    async def approve(self, model_id: UUID, author: str = APPROVER) -> State:
        async with self.database.transaction() as uow:
            version = await service.approve(work_by(author, uow, NOW, METHOD.calendar), model_id, "Back-test read.")
            await uow.commit()
        return version.state

    async def activate(self, model_id: UUID, replaces: UUID | None, role: Role = Role.CHAMPION) -> State:
        async with self.database.transaction() as uow:
            version = await service.activate(work_by(OPERATOR, uow, NOW, METHOD.calendar), model_id, role, replaces, "Approved.")
            await uow.commit()
        return version.state

    async def roll_back(self, model_id: UUID) -> UUID | None:
        async with self.database.transaction() as uow:
            returned = await service.roll_back(work_by(OPERATOR, uow, NOW, METHOD.calendar), model_id, "Too many calls.")
            await uow.commit()
        return returned.id if returned else None

    async def approved(self) -> UUID:
        model_id = await self.add()
        await self.approve(model_id)
        return model_id

    async def states(self) -> list[str]:
        """Of all versions, by number."""
        async with self.database.transaction(readonly=True) as uow:
            found = await repository.list_versions(uow, name="retention", past=None, limit=50)
        return [version.state.value for version in sorted(found, key=lambda one: one.number)]

    async def steps(self, model_id: UUID) -> list[Step]:
        async with self.database.transaction(readonly=True) as uow:
            return await repository.list_steps(uow, model_id)


@pytest.fixture
async def register(postgres: Any) -> Any:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=8))
        yield Register(database)
        await database.dispose()


async def test_s6_every_step_is_kept_with_author_time_and_reason(register: Register) -> None:
    model_id = await register.approved()
    assert await register.activate(model_id, None) is State.ACTIVE
    assert [(step.from_state, step.to_state, step.author, step.at, step.reason) for step in await register.steps(model_id)] == [
        (None, "candidate", TRAINER, NOW, "trained"),
        ("candidate", "back_tested", TRAINER, NOW, "judged"),
        ("back_tested", "approved", APPROVER, NOW, "Back-test read."),
        ("approved", "active", OPERATOR, NOW, "Approved."),
    ]


async def test_s6_who_had_it_trained_does_not_approve_it(register: Register) -> None:
    model_id = await register.add()
    with pytest.raises(SamePerson):
        await register.approve(model_id, TRAINER)
    assert await register.states() == ["back_tested"]


async def test_s6_no_step_is_skipped(register: Register) -> None:
    candidate, tested = await register.add(State.CANDIDATE), await register.add()
    for refused in (register.approve(candidate), register.activate(tested, None), register.roll_back(tested)):
        with pytest.raises(WrongState):
            await refused
    await register.approve(tested)
    with pytest.raises(WrongState):
        await register.approve(tested)
    with pytest.raises(NotFound):
        await register.approve(new_id())
    assert await register.states() == ["candidate", "approved"]


async def test_s6_activation_names_what_it_replaces(register: Register) -> None:
    first, second = await register.approved(), await register.approved()
    await register.activate(first, None)
    for stale in (None, new_id(), second):
        with pytest.raises(OtherActive):
            await register.activate(second, stale)
    await register.activate(second, first)
    assert await register.states() == ["retired", "active"]


async def test_s6_of_many_activations_at_once_one_wins(register: Register) -> None:
    incumbent = await register.approved()
    await register.activate(incumbent, None)
    rivals = [await register.approved() for _ in range(6)]
    outcomes = await asyncio.gather(*(register.activate(rival, incumbent) for rival in rivals), return_exceptions=True)
    assert outcomes.count(State.ACTIVE) == 1
    assert sum(isinstance(outcome, OtherActive) for outcome in outcomes) == 5
    assert sorted(await register.states()) == ["active", *["approved"] * 5, "retired"]


async def test_s6_an_activation_and_a_rollback_at_once_leave_one_active(register: Register) -> None:
    for _ in range(5):
        first, second, third = [await register.approved() for _ in range(3)]
        before = [one for one in await self_active(register) if one]
        await register.activate(first, before[0] if before else None)
        await register.activate(second, first)
        outcomes = await asyncio.gather(register.activate(third, second), register.roll_back(second), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
        assert len(refused) == 1, outcomes
        assert (await register.states()).count("active") == 1


async def self_active(register: Register) -> list[UUID]:
    async with register.database.transaction(readonly=True) as uow:
        active = await repository.read_in_state(uow, "retention", State.ACTIVE)
    return [active.id] if active else []


async def test_s6_a_rollback_returns_to_the_version_before_and_then_to_the_rules(register: Register) -> None:
    first, second, third = [await register.approved() for _ in range(3)]
    await register.activate(first, None)
    await register.activate(second, first)
    await register.activate(third, second)
    assert await register.roll_back(third) == second
    assert await register.states() == ["retired", "active", "retired"]
    assert await register.roll_back(second) == first
    assert await register.roll_back(first) is None
    assert await register.states() == ["retired"] * 3


async def test_s6_of_two_rollbacks_at_once_one_wins(register: Register) -> None:
    first, second = await register.approved(), await register.approved()
    await register.activate(first, None)
    await register.activate(second, first)
    outcomes = await asyncio.gather(register.roll_back(second), register.roll_back(second), return_exceptions=True)
    assert sum(isinstance(outcome, WrongState) for outcome in outcomes) == 1
    assert await register.states() == ["active", "retired"]


async def test_s6_a_step_that_was_not_committed_leaves_nothing(register: Register) -> None:
    first, second = await register.approved(), await register.approved()
    await register.activate(first, None)
    async with register.database.transaction() as uow:
        await service.activate(work_by(OPERATOR, uow, NOW, METHOD.calendar), second, Role.CHAMPION, first, "Approved.")
        # The process dies here.
    assert await register.states() == ["active", "approved"]
    assert len(await register.steps(second)) == 3


async def test_s6_a_challenger_stands_beside_the_champion_and_may_take_its_place(register: Register) -> None:
    champion, challenger, other = [await register.approved() for _ in range(3)]
    await register.activate(champion, None)
    assert await register.activate(challenger, None, Role.CHALLENGER) is State.CHALLENGER
    await register.activate(other, challenger, Role.CHALLENGER)
    assert await register.states() == ["active", "approved", "challenger"]
    await register.activate(other, champion)
    assert await register.states() == ["retired", "approved", "active"]


async def test_s6_names_do_not_disturb_each_other(register: Register) -> None:
    one, other = await register.add(), await register.add(name="related_sale:card")
    await register.approve(one)
    await register.approve(other)
    await register.activate(one, None)
    await register.activate(other, None)
    async with register.database.transaction(readonly=True) as uow:
        assert {
            v.id for v in [await repository.read_in_state(uow, n, State.ACTIVE) for n in ("retention", "related_sale:card")] if v
        } == {
            one,
            other,
        }


async def test_s6_an_activation_has_the_book_scored_again(register: Register) -> None:
    customer = new_id()
    async with register.database.transaction() as uow:
        await uow.driver.execute(
            "INSERT INTO score VALUES ($1, $2, $3, 1, 'low', NULL, 'retention-rules-1', 'none', '0001-01-01', '{}')",
            customer,
            NOW.date(),
            NOW,
        )
        await uow.commit()
    await register.activate(await register.approved(), None)
    async with register.database.transaction(readonly=True) as uow:
        assert [row[0] for row in await uow.driver.fetch("SELECT customer_id FROM dirty_customer")] == [customer]
