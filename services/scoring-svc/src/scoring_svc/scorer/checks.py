"""The nightly comparison: stored scores, computed again from the ledger by the versions that they name, must come out the same (S6)."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.failures import describe
from guanxi_common.set_aside import Whose, whose
from guanxi_common.telemetry.metrics import SCORE_CHECKS

from scoring_svc.background import off_the_loop
from scoring_svc.engagements import repository as engagements
from scoring_svc.features.policy import NO_ENGAGEMENT
from scoring_svc.ledger import repository as ledger
from scoring_svc.method import Method
from scoring_svc.night import NIGHT_BEGINS
from scoring_svc.register.policy import RETENTION
from scoring_svc.register.repository import read_numbered
from scoring_svc.retention.policy import RetentionStandard
from scoring_svc.retention.repository import load_retention
from scoring_svc.retention.trained import RetentionModels, TrainedRetention
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.scorer import repository as checks
from scoring_svc.scores import repository
from scoring_svc.scores.in_force import ActiveModels, read_models_named
from scoring_svc.scores.policy import Challenger, Score
from scoring_svc.scores.repository import StoredScore
from scoring_svc.scores.service import score_customer
from scoring_svc.scores.versions import Versions, trained_number

SAMPLE: Final = 200
NAMED: Final = 50

log = structlog.get_logger(__name__)

_RUN, _FIXED = "run-", "standard:"

for _outcome in ("equal", "different"):
    SCORE_CHECKS.labels(_outcome)  # the series must stand at 0 before the first mismatch, or no increase is seen


@dataclass(frozen=True, slots=True)
class Named:
    """What a stored score says it was computed by."""

    versions: Versions
    bands_run: UUID | None
    fixed_bands: int | None
    challenger: int | None


def named_by(model_version: str, bands_version: str, challenger: Challenger | None) -> Named:
    """Raises `ValueError` for what no version of this service has written."""
    return Named(
        Versions.parse(model_version),
        bands_run=UUID(bands_version.removeprefix(_RUN)) if bands_version.startswith(_RUN) else None,
        fixed_bands=int(bands_version.split(":")[1]) if bands_version.startswith(_FIXED) else None,
        challenger=trained_number(challenger.model_version) if challenger else None,
    )


async def check_scores(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Compare this business date's sample, once among all workers; returns how many were compared.

    Due from two o'clock local time. Customers that wait to be scored again are not in the sample. Mismatches are counted in
    `guanxi_score_checks_total` once the finding is durable.
    """
    local = now.astimezone(ZoneInfo(method.calendar.zone))
    if local.time() < NIGHT_BEGINS or not await checks.begin_check(uow, local.date()):
        return 0
    sample = await repository.sample_scores(uow, method, local.date(), SAMPLE)
    if not sample:
        return 0
    outcomes = {stored.customer_id: await _check_alone(uow, method, stored) for stored in sample}
    sample = [stored for stored in sample if outcomes[stored.customer_id] is not None]
    different = [customer_id for customer_id, equal in outcomes.items() if equal is False]
    # A customer touched while we looked has a newer truth by now; it is not the stored score that is wrong.
    still = {one.customer_id: one for one in await repository.untouched(uow, method, different)}
    known = {stored.customer_id: stored for stored in sample}
    different = [one for one in different if one in still and still[one].known_at == known[one].known_at]
    await checks.store_check(uow, local.date(), now, len(sample), [str(one) for one in different[:NAMED]], len(different))
    uow.after_commit(partial(_count, len(sample) - len(different), len(different)))
    return len(sample)


async def _check_alone(uow: UnitOfWork, method: Method, stored: StoredScore) -> bool | None:
    """`is_reproduced`; False as well where the score cannot be computed again, None where the time did not suffice."""
    try:
        async with uow.savepoint():
            return await is_reproduced(uow, method, stored)
    except Exception as error:
        if whose(error) is Whose.EVERYBODY:
            raise
        log.warning("score_not_checked", customer_id=str(stored.customer_id), error=describe(error))
        return None if whose(error) is Whose.UNKNOWN else False


async def is_reproduced(uow: UnitOfWork, method: Method, stored: StoredScore) -> bool:
    """Whether the ledger, read as of then, gives the stored score to the last word."""
    if stored.score is None:
        return False
    try:
        named = named_by(stored.model_version, stored.bands_version, stored.score.challenger)
        score = await _recompute(uow, method, stored, named)
    except (LookupError, ValueError):
        return False
    if score is None:
        return False
    columns = (score.retention.value_bp, score.retention.band, score.main_reason_code)
    return columns == (stored.value_bp, stored.band, stored.main_reason) and score == stored.score


async def _recompute(uow: UnitOfWork, method: Method, stored: StoredScore, named: Named) -> Score | None:
    ids, known_at = [stored.customer_id], stored.known_at
    days = await ledger.read_days_known_at(uow, ids, until=stored.as_of, known_at=known_at)
    told = await engagements.read_contacts(uow, ids, known_at)
    models = await read_models_named(uow, named.versions.lifetime, named.bands_run)
    trained = RetentionModels(await _trained(uow, named.versions.trained), await _trained(uow, named.challenger))
    engagement = await engagements.read_engagement(uow, ids, known_at) if trained else {}
    then = _method_of(method.on(stored.as_of, known_at), named)
    work = partial(
        _score,
        then,
        models,
        stored.customer_id,
        days.get(stored.customer_id, []),
        told.get(stored.customer_id, []),
        stored.as_of,
        known_at,
        retention=trained,
        engagement=engagement.get(stored.customer_id, NO_ENGAGEMENT),
    )
    return await off_the_loop(uow, work)


def _method_of(method: Method, named: Named) -> Method:
    """The standards that the score names; those that it does not name are those of `method`."""
    retention = method.numbered(RetentionStandard, named.versions.rules)
    if named.fixed_bands is None:
        return method.replacing(retention, replace(method[RfmStandard], method="quintile"))
    fixed = method.numbered(RfmStandard, named.fixed_bands)
    return method.replacing(retention, replace(fixed, method="fixed"))


def _score(method: Method, models: ActiveModels, customer_id: UUID, *data: Any, **more: Any) -> Score | None:
    scored = score_customer(method, models, customer_id, *data, **more)
    return scored[0] if scored else None


async def _trained(uow: UnitOfWork, number: int | None) -> TrainedRetention | None:
    """Raises `LookupError` where the register does not know the version."""
    if number is None:
        return None
    version = await read_numbered(uow, RETENTION, number)
    if version is None:
        raise LookupError(f"no version {number}")
    return await load_retention(uow, version)


async def _count(equal: int, different: int) -> None:
    SCORE_CHECKS.labels("equal").inc(equal)
    SCORE_CHECKS.labels("different").inc(different)
