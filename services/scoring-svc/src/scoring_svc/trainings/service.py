"""Ask for a training."""

from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text
from guanxi_common.operations import Start, start

from scoring_svc.features.policy import FeatureStandard, Label
from scoring_svc.ledger import repository as ledger
from scoring_svc.method import Method
from scoring_svc.products.repository import read_catalogue
from scoring_svc.register.policy import RELATED_SALE, RETENTION
from scoring_svc.related_sales.propensity import TAKES_UP, PropensityStandard
from scoring_svc.trainings import repository
from scoring_svc.trainings.errors import CutOutOfRange, KindNotAvailable, LabelOfOtherName, NotATrainedName, UnknownProduct
from scoring_svc.trainings.repository import Training
from scoring_svc.trainings.schemas import TrainingRequest

KIND: Final = "model-training"
"""The kind of operations that trainings are."""


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
    operation = await start(uow, Start(KIND, requested_by, {"name": request.name, "kind": request.kind, "label": label}), now)
    training = Training(operation.id, request.name, asked, operation.state, requested_by, now)
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
