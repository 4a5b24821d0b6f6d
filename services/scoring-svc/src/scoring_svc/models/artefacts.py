"""Model artefacts between the database and memory: text and skops bytes, loaded once per process and version."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar, cast
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.background import off_the_loop
from scoring_svc.features.policy import FeatureStandard
from scoring_svc.models import repository
from scoring_svc.models.policy import State
from scoring_svc.models.repository import Artefact, ModelVersion
from scoring_svc.propensity.policy import PropensityStandard
from scoring_svc.propensity.trained import ProductModels, TrainedPropensity
from scoring_svc.retention.trained import RetentionModels, TrainedRetention, predictor_of
from scoring_svc.training.applied import Applied

if TYPE_CHECKING:
    from scoring_svc.training.model import Model

A = TypeVar("A", bound=Applied)

RETENTION: Final = "retention"
RELATED_SALE: Final = "related_sale:"
"""Before a product's code it is the name of the product's models."""
_KEPT: Final = 64
_loaded: OrderedDict[UUID, Applied] = OrderedDict()
_lock = Lock()


def pack(model: "Model") -> Artefact:
    """The model as it is stored."""
    from scoring_svc.training.artefact import save_model

    with TemporaryDirectory() as name:
        folder = Path(name)
        save_model(model, folder, "")
        return Artefact((folder / "model.json").read_text(encoding="utf-8"), (folder / "members.skops").read_bytes())


def unpack(artefact: Artefact, digest: str) -> "Model":
    """Raises `UnreadableModel` where the bytes are not those that were approved, or hold what could run code of its own.

    Blocks: the first call imports the libraries, which takes seconds and is spared where no version is active.
    """
    from scoring_svc.training.artefact import UnreadableModel, load_model

    if artefact.digest != digest:
        raise UnreadableModel("the artefact does not have the digest of its version")
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.json").write_text(artefact.text, encoding="utf-8")
        (folder / "members.skops").write_bytes(artefact.members)
        return load_model(folder)


async def read_retention_models(uow: UnitOfWork) -> RetentionModels:
    """What customers are scored by now, beside the rules."""
    in_use = await repository.read_in_use(uow, RETENTION)
    active, challenger = in_use.get(State.ACTIVE), in_use.get(State.CHALLENGER)
    return RetentionModels(
        await load_retention(uow, active) if active else None,
        await load_retention(uow, challenger) if challenger else None,
    )


async def load_retention(uow: UnitOfWork, version: ModelVersion) -> TrainedRetention:
    """The version, ready to score."""
    rhythm = predictor_of(version.training["rhythm"])
    return await _load(uow, version, lambda model: TrainedRetention(*_common(version, model), rhythm))


async def read_propensity_models(
    uow: UnitOfWork, product_codes: Collection[str], standard: PropensityStandard, words: FeatureStandard
) -> dict[str, ProductModels]:
    """What gives the propensities of these products now; one that is not there has its rule."""
    by_name: dict[str, dict[State, TrainedPropensity]] = {}
    names = {f"{RELATED_SALE}{code}" for code in product_codes}
    for version in [one for one in await repository.list_in_use(uow, RELATED_SALE) if one.name in names]:
        by_name.setdefault(version.name, {})[version.state] = await load_propensity(uow, version)
    return {
        name.removeprefix(RELATED_SALE): ProductModels(found.get(State.ACTIVE), found.get(State.CHALLENGER), standard, words)
        for name, found in by_name.items()
    }


async def load_propensity(uow: UnitOfWork, version: ModelVersion) -> TrainedPropensity:
    """The version, ready to score."""
    return await _load(uow, version, lambda model: TrainedPropensity(*_common(version, model), version.name))


def _common(version: ModelVersion, model: "Model") -> "tuple[UUID, int, Model, frozenset[str], int]":
    described = version.training
    return version.id, version.number, model, frozenset(described["currencies"]), described["min_history_days"]


async def _load(uow: UnitOfWork, version: ModelVersion, make: "Callable[[Model], A]") -> A:
    """Versions never change, so a loaded one is kept."""
    with _lock:
        if version.id in _loaded:
            _loaded.move_to_end(version.id)
            return cast("A", _loaded[version.id])
    artefact = await repository.read_artefact(uow, version.id)
    loaded = make(await off_the_loop(uow, partial(unpack, artefact, version.digest)))
    with _lock:
        _loaded[version.id] = loaded
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return loaded


def forget_loaded() -> None:
    """Have every version read anew."""
    with _lock:
        _loaded.clear()
