"""Model artefacts between the database and memory: text and skops bytes, loaded once per process and version."""

from collections import OrderedDict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.background import off_the_loop
from scoring_svc.models import repository
from scoring_svc.models.policy import State
from scoring_svc.models.repository import Artefact, ModelVersion
from scoring_svc.retention.trained import RetentionModels, TrainedRetention, predictor_of

if TYPE_CHECKING:
    from scoring_svc.training.model import Model

RETENTION: Final = "retention"
_KEPT: Final = 8
_loaded: OrderedDict[UUID, TrainedRetention] = OrderedDict()
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
    """The version, ready to score; versions never change, so a loaded one is kept."""
    with _lock:
        if version.id in _loaded:
            _loaded.move_to_end(version.id)
            return _loaded[version.id]
    artefact = await repository.read_artefact(uow, version.id)
    model = await off_the_loop(uow, partial(unpack, artefact, version.digest))
    loaded = TrainedRetention(
        version.id,
        version.number,
        model,
        predictor_of(version.training["rhythm"]),
        frozenset(version.training["currencies"]),
        version.training["min_history_days"],
    )
    with _lock:
        _loaded[version.id] = loaded
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return loaded


def forget_loaded() -> None:
    """Have every version read anew."""
    with _lock:
        _loaded.clear()
