"""Steps of a model version: asked for, approved by a second person, activated, rolled back. Each is kept with author, time, reason."""

from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound, Text
from guanxi_common.work import Work

from scoring_svc.queues.rescoring import mark_book_dirty
from scoring_svc.register import repository
from scoring_svc.register.errors import OtherActive, SamePerson, WrongState
from scoring_svc.register.policy import ACTIVATED_AS, MAY_BECOME, RETENTION, STEPS_DOWN_TO, Role, State
from scoring_svc.register.repository import ModelVersion, Step

NO_PREVIOUS: Final = None


async def approve(work: Work, model_id: UUID, reason: str) -> ModelVersion:
    """Raises `SamePerson` for who had it trained, `WrongState` unless it is back-tested and waits for approval."""
    version = await _locked(work.uow, model_id)
    if version.state is not State.BACK_TESTED:
        raise WrongState(_is_in(version.state))
    if version.trained_by == work.actor:
        raise SamePerson
    return await _step(work, version, State.APPROVED, reason)


async def activate(work: Work, model_id: UUID, role: Role, replaces: UUID | None, reason: str) -> ModelVersion:
    """Put an approved version to its place and the one in it, which `replaces` must name, out of it. The book is scored again.

    Raises `WrongState`, and `OtherActive` where another version has taken the place meanwhile: of two at once, one wins.
    """
    version = await _locked(work.uow, model_id)
    if version.state not in MAY_BECOME[role]:
        raise WrongState(_is_in(version.state))
    present = await repository.read_in_state(work.uow, version.name, ACTIVATED_AS[role])
    if (present.id if present else None) != replaces:
        raise OtherActive
    if present:
        await _step(work, present, STEPS_DOWN_TO[role], reason)
    falls_back_to = present.id if present and role is Role.CHAMPION else None
    activated = await _step(work, version, ACTIVATED_AS[role], reason, falls_back_to)
    await _score_again(work, version)
    return activated


async def roll_back(work: Work, model_id: UUID, reason: str) -> ModelVersion | None:
    """Retire the active version and return to the one it replaced, which comes back; None: to the rules. The book is scored again.

    Raises `WrongState` unless it is the active one.
    """
    version = await _locked(work.uow, model_id)
    if version.state is not State.ACTIVE:
        raise WrongState(_is_in(version.state))
    previous = await _previous(work.uow, version)
    await _step(work, version, State.RETIRED, reason)
    returned = None
    if previous is not None:
        before = await _falls_back_to(work.uow, previous.id)
        returned = await _step(work, previous, State.ACTIVE, reason, before)
    await _score_again(work, version)
    return returned


async def _previous(uow: UnitOfWork, version: ModelVersion) -> ModelVersion | None:
    previous_id = await _falls_back_to(uow, version.id)
    previous = await repository.read_version(uow, previous_id) if previous_id else None
    return previous if previous and previous.state is State.RETIRED else None


async def _falls_back_to(uow: UnitOfWork, model_id: UUID) -> UUID | None:
    """What the latest activation of a version replaced."""
    steps = await repository.list_steps(uow, model_id)
    return next((step.falls_back_to for step in reversed(steps) if step.to_state == State.ACTIVE), NO_PREVIOUS)


async def _locked(uow: UnitOfWork, model_id: UUID) -> ModelVersion:
    """The version as it is once no other step of its name is under way."""
    found = await repository.read_version(uow, model_id)
    if found is None:
        raise NotFound
    await repository.lock_name(uow, found.name)
    locked = await repository.read_version(uow, model_id)
    if locked is None:
        raise NotFound
    return locked


async def _step(work: Work, version: ModelVersion, to: State, reason: str, falls_back_to: UUID | None = None) -> ModelVersion:
    await repository.record_step(work.uow, version.id, Step(version.state, to, work.actor, work.now, reason, falls_back_to))
    changed = await repository.read_version(work.uow, version.id)
    if changed is None:
        raise NotFound
    return changed


async def _score_again(work: Work, version: ModelVersion) -> None:
    if version.name == RETENTION:
        await mark_book_dirty(work.uow, work.today, work.now)


def _is_in(state: State) -> Text:
    return Text(f"The version is {state}.", f"模型版本的状态为{state}。")
