"""Model artefacts between the database and memory: text and skops bytes, loaded once per process and version."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar, cast
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.background import off_the_loop
from scoring_svc.register import repository
from scoring_svc.register.repository import Artefact, ModelVersion
from scoring_svc.training.applied import Applied

if TYPE_CHECKING:
    from scoring_svc.training.model import Model

A = TypeVar("A", bound=Applied)

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


def facts_of(version: ModelVersion, model: "Model") -> "tuple[UUID, int, Model, frozenset[str], int]":
    described = version.training
    return version.id, version.number, model, frozenset(described["currencies"]), described["min_history_days"]


async def load(uow: UnitOfWork, version: ModelVersion, make: "Callable[[Model], A]") -> A:
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
