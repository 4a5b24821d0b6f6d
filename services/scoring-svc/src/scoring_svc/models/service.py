"""Steps of a model version: asked for, approved by a second person, activated, rolled back. Each is kept with author, time, reason."""

from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound, Text
from guanxi_common.ids import new_id

from scoring_svc.features.policy import FeatureStandard, Label
from scoring_svc.ledger import repository as ledger
from scoring_svc.method import Method
from scoring_svc.models import repository
from scoring_svc.models.artefacts import RELATED_SALE, RETENTION
from scoring_svc.models.errors import (
    CutOutOfRange,
    KindNotAvailable,
    LabelOfOtherName,
    NotATrainedName,
    OtherActive,
    SamePerson,
    UnknownProduct,
    WrongState,
)
from scoring_svc.models.policy import ACTIVATED_AS, MAY_BECOME, STEPS_DOWN_TO, Role, State
from scoring_svc.models.repository import ModelVersion, Step, Training
from scoring_svc.models.schemas import TrainingRequest
from scoring_svc.products.repository import read_catalogue
from scoring_svc.propensity.policy import TAKES_UP, PropensityStandard
from scoring_svc.runs.repository import mark_book_dirty

NO_PREVIOUS: Final = None


async def request_training(
    uow: UnitOfWork, method: Method, request: TrainingRequest, requested_by: str, now: datetime
) -> Training:
    """Queue a training for the worker.

    Raises `NotATrainedName`, `UnknownProduct`, `LabelOfOtherName`, `KindNotAvailable`, and `CutOutOfRange` unless every horizon lies
    within what core banking has told, and the test cut after the horizon of every training cut.
    """
    _require_library(request.kind)
    label, usual_horizon = await _label_of(uow, method, request)
    horizon = request.horizon_days or usual_horizon
    known_until = min(method.calendar.local_date(now), await ledger.feed_position(uow))
    _check_cuts(request, timedelta(days=horizon), known_until)
    asked = {**request.model_dump(mode="json", exclude={"name"}), "label": label, "horizon_days": horizon}
    training = Training(new_id(), request.name, asked, "queued", requested_by, now)
    await repository.insert_training(uow, training)
    return training


async def _label_of(uow: UnitOfWork, method: Method, request: TrainingRequest) -> tuple[str, int]:
    """What the model is trained to foretell, and within how many days by the standard."""
    if request.name == RETENTION:
        if request.label == TAKES_UP:
            raise LabelOfOtherName
        return request.label or Label.LEAVES.value, method[FeatureStandard].labels.horizon_days
    if not request.name.startswith(RELATED_SALE):
        raise NotATrainedName
    if request.label not in (None, TAKES_UP):
        raise LabelOfOtherName
    code = request.name.removeprefix(RELATED_SALE)
    if all(product.code != code for product in await read_catalogue(uow)):
        raise UnknownProduct
    return TAKES_UP, method[PropensityStandard].horizon_days


async def approve(uow: UnitOfWork, model_id: UUID, author: str, reason: str, now: datetime) -> ModelVersion:
    """Raises `SamePerson` for who had it trained, `WrongState` unless it is back-tested and waits for approval."""
    version = await _locked(uow, model_id)
    if version.state is not State.BACK_TESTED:
        raise WrongState(_is_in(version.state))
    if version.trained_by == author:
        raise SamePerson
    return await _step(uow, version, State.APPROVED, author, reason, now)


async def activate(
    uow: UnitOfWork,
    method: Method,
    model_id: UUID,
    role: Role,
    replaces: UUID | None,
    author: str,
    reason: str,
    now: datetime,
) -> ModelVersion:
    """Put an approved version to its place and the one in it, which `replaces` must name, out of it. The book is scored again.

    Raises `WrongState`, and `OtherActive` where another version has taken the place meanwhile: of two at once, one wins.
    """
    version = await _locked(uow, model_id)
    if version.state not in MAY_BECOME[role]:
        raise WrongState(_is_in(version.state))
    present = await repository.read_in_state(uow, version.name, ACTIVATED_AS[role])
    if (present.id if present else None) != replaces:
        raise OtherActive
    if present:
        await _step(uow, present, STEPS_DOWN_TO[role], author, reason, now)
    falls_back_to = present.id if present and role is Role.CHAMPION else None
    activated = await _step(uow, version, ACTIVATED_AS[role], author, reason, now, falls_back_to)
    await _score_again(uow, method, version, now)
    return activated


async def roll_back(
    uow: UnitOfWork, method: Method, model_id: UUID, author: str, reason: str, now: datetime
) -> ModelVersion | None:
    """Retire the active version and return to the one it replaced, which comes back; None: to the rules. The book is scored again.

    Raises `WrongState` unless it is the active one.
    """
    version = await _locked(uow, model_id)
    if version.state is not State.ACTIVE:
        raise WrongState(_is_in(version.state))
    previous = await _previous(uow, version)
    await _step(uow, version, State.RETIRED, author, reason, now)
    returned = None
    if previous is not None:
        before = await _falls_back_to(uow, previous.id)
        returned = await _step(uow, previous, State.ACTIVE, author, reason, now, before)
    await _score_again(uow, method, version, now)
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


async def _step(
    uow: UnitOfWork,
    version: ModelVersion,
    to: State,
    author: str,
    reason: str,
    now: datetime,
    falls_back_to: UUID | None = None,
) -> ModelVersion:
    await repository.record_step(uow, version.id, Step(version.state, to, author, now, reason, falls_back_to))
    changed = await repository.read_version(uow, version.id)
    if changed is None:
        raise NotFound
    return changed


async def _score_again(uow: UnitOfWork, method: Method, version: ModelVersion, now: datetime) -> None:
    if version.name == RETENTION:
        await mark_book_dirty(uow, method.calendar.local_date(now), now)


def _check_cuts(request: TrainingRequest, horizon: timedelta, known_until: date) -> None:
    cuts = [*request.train_cuts, *([request.test_cut] if request.test_cut else [])]
    if any(cut > known_until - horizon for cut in cuts):
        raise CutOutOfRange(Text("The horizon of a cut is not over yet.", "截点的观察期尚未结束。"))
    if request.test_cut and request.test_cut < max(request.train_cuts) + horizon:
        raise CutOutOfRange(Text("The test cut lies before the end of the training's horizon.", "检验截点早于训练观察期的结束。"))


def _require_library(kind: str) -> None:
    if kind != "lightgbm":
        return
    try:
        import_module("lightgbm")
    except ImportError:
        raise KindNotAvailable(
            Text(
                "The kind lightgbm needs the extra: pip install 'scoring-svc[lightgbm]'. boosted_trees needs nothing.",
                "lightgbm 需要安装扩展：pip install 'scoring-svc[lightgbm]'。boosted_trees 无需安装。",
            )
        ) from None
    except OSError:
        raise KindNotAvailable(
            Text(
                "lightgbm is installed, but a system library is missing; on Debian: apt-get install libgomp1.",
                "已安装 lightgbm，但缺少系统库；在 Debian 上：apt-get install libgomp1。",
            )
        ) from None


def _is_in(state: State) -> Text:
    return Text(f"The version is {state}.", f"模型版本的状态为{state}。")
