"""Trainings, versions and their steps. Nothing here belongs to a customer, so there is no row scope."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from sqlalchemy import func, insert, select, update

from scoring_svc.register.policy import State
from scoring_svc.register.tables import ModelDriftRow, ModelStepRow, ModelVersionRow

_version = table_of(ModelVersionRow)
_step = table_of(ModelStepRow)
_drift = table_of(ModelDriftRow)
_facts = [column for column in _version.c if column.name not in ("artefact_text", "artefact_members", "distributions", "card")]


@dataclass(frozen=True, slots=True)
class Artefact:
    """The text and the members of a model as `training.artefact` writes them. Never pickle."""

    text: str
    members: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode() + self.members).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version without its artefact; see `ModelVersionRow`."""

    id: UUID
    name: str
    number: int
    kind: str
    state: State
    trained_by: str
    trained_at: datetime
    training: Mapping[str, Any]
    back_test: Mapping[str, Any] | None
    digest: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a version; see `ModelStepRow`."""

    from_state: str | None
    to_state: str
    author: str
    at: datetime
    reason: str
    falls_back_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """What was measured of a version on one date."""

    model_id: UUID
    measured_on: date
    customers: int
    result: Mapping[str, Any]


async def lock_name(uow: UnitOfWork, name: str) -> None:
    """One at a time takes a step of this name's versions, until the end of the transaction."""
    await uow.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended('model ' || $1, 0))", name)


async def next_number(uow: UnitOfWork, name: str) -> int:
    """Under `lock_name`."""
    newest = (await uow.execute(select(func.max(_version.c.number)).where(_version.c.name == name))).scalar()
    return int(newest or 0) + 1


async def insert_version(
    uow: UnitOfWork, version: ModelVersion, card: str, artefact: Artefact, distributions: Mapping[str, Any]
) -> None:
    rest = {"card": card, "artefact_text": artefact.text, "artefact_members": artefact.members}
    # What is not a number has no place in JSON.
    await uow.execute(insert(_version).values(**values_of(version), **rest, distributions=json.loads(json.dumps(distributions))))


async def read_version(uow: UnitOfWork, model_id: UUID) -> ModelVersion | None:
    row = (await uow.execute(select(*_facts).where(_version.c.id == model_id))).mappings().first()
    return _of(row) if row else None


async def read_numbered(uow: UnitOfWork, name: str, number: int) -> ModelVersion | None:
    found = select(*_facts).where(_version.c.name == name, _version.c.number == number)
    row = (await uow.execute(found)).mappings().first()
    return _of(row) if row else None


async def read_in_state(uow: UnitOfWork, name: str, state: State) -> ModelVersion | None:
    """The version of a name in a state that only one can have."""
    row = (await uow.execute(select(*_facts).where(_version.c.name == name, _version.c.state == state))).mappings().first()
    return _of(row) if row else None


async def read_in_use(uow: UnitOfWork, name: str) -> dict[State, ModelVersion]:
    """The active version and the challenger, in one statement."""
    rows = await uow.execute(
        select(*_facts).where(_version.c.name == name, _version.c.state.in_((State.ACTIVE, State.CHALLENGER)))
    )
    versions = [_of(row) for row in rows.mappings()]
    return {version.state: version for version in versions}


async def list_in_use(uow: UnitOfWork, prefix: str = "") -> list[ModelVersion]:
    """The active versions and challengers of all names that begin with `prefix`."""
    rows = await uow.execute(
        select(*_facts)
        .where(_version.c.name.startswith(prefix, autoescape=True), _version.c.state.in_((State.ACTIVE, State.CHALLENGER)))
        .order_by(_version.c.name, _version.c.number)
    )
    return [_of(row) for row in rows.mappings()]


async def list_versions(
    uow: UnitOfWork, *, name: str | None, past: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ModelVersion]:
    """Versions, the latest first."""
    order = (_version.c.trained_at, _version.c.id)
    statement = select(*_facts).where(after(order, past, descending=True))
    if name is not None:
        statement = statement.where(_version.c.name == name)
    rows = await uow.execute(statement.order_by(*(column.desc() for column in order)).limit(limit))
    return [_of(row) for row in rows.mappings()]


async def read_artefact(uow: UnitOfWork, model_id: UUID) -> Artefact:
    found = select(_version.c.artefact_text, _version.c.artefact_members).where(_version.c.id == model_id)
    row = (await uow.execute(found)).one()
    return Artefact(row.artefact_text, row.artefact_members)


async def read_card(uow: UnitOfWork, model_id: UUID) -> str | None:
    card: str | None = (await uow.execute(select(_version.c.card).where(_version.c.id == model_id))).scalar()
    return card


async def read_distributions(uow: UnitOfWork, model_id: UUID) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (await uow.execute(select(_version.c.distributions).where(_version.c.id == model_id))).scalar_one()
    return found


async def record_step(uow: UnitOfWork, model_id: UUID, step: Step) -> None:
    """Take a step and keep it; the caller holds `lock_name` and has checked `from_state`."""
    await uow.execute(insert(_step).values(model_id=model_id, **values_of(step)))
    if step.from_state is not None:
        await uow.execute(update(_version).where(_version.c.id == model_id).values(state=step.to_state))


async def list_steps(uow: UnitOfWork, model_id: UUID) -> list[Step]:
    """Oldest first."""
    rows = await uow.execute(select(_step).where(_step.c.model_id == model_id).order_by(_step.c.id))
    names = Step.__dataclass_fields__
    return [Step(**{name: row[name] for name in names}) for row in rows.mappings()]


async def insert_drift(uow: UnitOfWork, drift: Drift) -> None:
    await uow.execute(insert(_drift).values(values_of(drift)))


async def list_drift(uow: UnitOfWork, model_id: UUID, limit: int) -> list[Drift]:
    """The latest first."""
    rows = await uow.execute(
        select(_drift).where(_drift.c.model_id == model_id).order_by(_drift.c.measured_on.desc()).limit(limit)
    )
    return [Drift(**dict(row)) for row in rows.mappings()]


def _of(row: Mapping[Any, Any]) -> ModelVersion:
    return ModelVersion(**{**dict(row), "state": State(row["state"])})
