"""S6: at night stored scores are computed again from the ledger and must be equal; drift against the training is measured."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.db.uow import Database
from guanxi_testing.work import work_by
from prometheus_client import REGISTRY
from scoring_svc.method import Method
from scoring_svc.register import artefacts, repository, service
from scoring_svc.register.policy import Role, State
from scoring_svc.register.repository import ModelVersion
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.runs import service as runs
from scoring_svc.scorer.checks import check_scores
from scoring_svc.trainings import repository as trainings
from scoring_svc.trainings.drift import measure_drift
from scoring_svc.trainings.schemas import TrainingRequest
from scoring_svc.trainings.service import request_training

from .training_steps import do_trainings

pytestmark = pytest.mark.anyio

CUTS = {"train_cuts": [date(1993, 8, 31), date(1993, 9, 30)]}


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("guanxi_score_checks_total", {"outcome": outcome}) or 0.0


async def check(database: Database, method: Method, now: datetime) -> int:
    async with database.transaction() as uow:
        compared = await check_scores(uow, method, now)
        await uow.commit()
    return compared


async def finding(database: Database, day: date) -> tuple[int, int, list[str]]:
    async with database.transaction(readonly=True) as uow:
        row = await uow.driver.fetchrow("SELECT sampled, mismatches, differing FROM score_check WHERE checked_on = $1", day)
    return tuple(row)


async def execute(database: Database, statement: str, *arguments: Any) -> None:
    async with database.transaction() as uow:
        await uow.driver.execute(statement, *arguments)
        await uow.commit()


async def train(database: Database, method: Method, now: datetime, role: Role, replaces: UUID | None = None) -> ModelVersion:
    """Train a version and put it to use."""
    async with database.transaction() as uow:
        training = await request_training(uow, method, TrainingRequest(**CUTS), "staff:trainer", now)
        assert await do_trainings(uow, database, method, now)
        done = await trainings.read_training(uow, training.id)
        assert done is not None
        assert done.result is not None
        model_id = UUID(done.result["model_id"])
        await service.approve(work_by("staff:approver", uow, now, method.calendar), model_id, "Back-test read.")
        version = await service.activate(
            work_by("staff:approver", uow, now, method.calendar), model_id, role, replaces, "Approved."
        )
        await uow.commit()
    return version


async def run_book(database: Database, method: Method, now: datetime, *, keep: bool = False) -> None:
    """A book run over the whole bank, so that scores name bands of their own; its own scores go again. `keep`: one over those who have
    a score by now."""
    if not keep:
        await execute(
            database,
            "INSERT INTO dirty_customer SELECT DISTINCT customer_id, $1::timestamptz, $2::date, NULL, false FROM daily_activity",
            now,
            now.date(),
        )
    async with database.transaction() as uow:
        await runs.request_run(uow, method, None, "staff:operator", now)
        await uow.commit()
    done = True
    while done:
        async with database.transaction() as uow:
            done = await runs.work_on_run(uow, database, method, now)
            await uow.commit()
    if not keep:
        await execute(database, "TRUNCATE score, dirty_customer, action_due")


async def test_s6_stored_scores_come_out_the_same_from_the_ledger(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    await run_book(bank, method, now)
    await book.mark(120)
    await book.score()
    equal, different = counted("equal"), counted("different")
    assert await check(bank, method, now) == 120
    assert await finding(bank, now.date()) == (120, 0, [])
    assert (counted("equal"), counted("different")) == (equal + 120, different)
    assert await check(bank, method, now) == 0


async def test_s6_scores_by_versions_no_longer_in_use_still_come_out_the_same(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    """The score names model, challenger, bands; what is active when somebody looks does not matter."""
    champion = await train(bank, method, now, Role.CHAMPION)
    await train(bank, method, now, Role.CHALLENGER)
    await run_book(bank, method, now)
    await book.mark(60)
    await book.score()
    stored = await book.stored()
    assert all(score["model_version"].startswith("retention-1+") for score in stored.values())
    assert all(score["challenger"]["model_version"] == "retention-2" for score in stored.values())
    await run_book(bank, method, now, keep=True)
    async with bank.transaction() as uow:
        await service.roll_back(work_by("staff:operator", uow, now, method.calendar), champion.id, "Too many calls.")
        await uow.driver.execute("TRUNCATE dirty_customer")
        await uow.commit()
    artefacts.forget_loaded()
    assert await check(bank, method, now) == 60
    assert await finding(bank, now.date()) == (60, 0, [])


@pytest.mark.parametrize(
    "corruption",
    [
        "value_bp = value_bp + 1",
        "band = 'unknown'",
        "detail = '{}'",
        "balance_minor = 1",
        "expected_acts_90_days = 1",
        "rfm_cell = 555",
        "model_version = 'retention-99+retention-rules-1+bgnbd-none'",
        "model_version = 'by hand'",
    ],
)
async def test_s6_a_corrupted_score_is_counted_and_named(
    bank: Database, method: Method, now: datetime, book: Any, corruption: str
) -> None:
    customers = sorted(await book.mark(12))
    await book.score()
    await execute(bank, f"UPDATE score SET {corruption} WHERE customer_id = $1", customers[5])  # noqa: S608 - the test's own words
    equal, different = counted("equal"), counted("different")
    assert await check(bank, method, now) == 12
    assert await finding(bank, now.date()) == (12, 1, [str(customers[5])])
    assert (counted("equal"), counted("different")) == (equal + 11, different + 1)


async def test_s6_a_posting_that_came_since_is_no_mismatch(bank: Database, method: Method, now: datetime, book: Any) -> None:
    """What was recorded after the score is not in what was known; and while it waits to be scored, a customer is not looked at."""
    customers = await book.mark(10)
    await book.score()
    later = now + timedelta(hours=1)
    await execute(
        bank,
        "WITH one AS (INSERT INTO ledger_entry SELECT customer_id, gen_random_uuid(), account_id, booked_on, 500, currency,"
        " activity_class, code, $2 FROM ledger_entry WHERE customer_id = $1 LIMIT 1 RETURNING *)"
        " UPDATE daily_activity SET credit_minor = daily_activity.credit_minor + 500 FROM one"
        " WHERE (daily_activity.customer_id, daily_activity.booked_on) = (one.customer_id, one.booked_on)",
        customers[0],
        later,
    )
    await execute(
        bank,
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) VALUES ($1, $2, $3, false)",
        customers[1],
        later,
        now.date(),
    )
    assert await check(bank, method, later) == 9
    assert await finding(bank, now.date()) == (9, 0, [])


async def test_s6_scores_by_fixed_bands_come_out_the_same_under_other_bands(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    fixed = method.replacing(replace(method[RfmStandard], method="fixed"))
    book.method = fixed
    await run_book(bank, method, now)
    await book.mark(20)
    await book.score()
    assert await check(bank, method, now) == 20
    assert await finding(bank, now.date()) == (20, 0, [])


async def test_s6_nothing_is_compared_before_its_hour_or_without_scores(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    assert await check(bank, method, now) == 0
    await book.mark(3)
    await book.score()
    early = datetime.combine(now.date(), datetime.min.time(), now.tzinfo) - timedelta(hours=7)
    assert await check(bank, method, early) == 0
    assert await check(bank, method, now) == 3


async def test_s6_two_workers_compare_once(bank: Database, method: Method, now: datetime, book: Any) -> None:
    await book.mark(5)
    await book.score()
    async with bank.transaction() as one, bank.transaction() as other:
        assert await check_scores(one, method, now) == 5
        assert await check_scores(other, method, now) == 0
        await one.commit()
    assert await check(bank, method, now) == 0


async def test_s6_drift_is_small_on_a_training_day_and_larger_as_the_book_grows_older(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    champion = await train(bank, method, now, Role.CHAMPION)
    challenger = await train(bank, method, now, Role.CHALLENGER)
    await book.mark(500)
    await book.score()
    trained_on = now.replace(year=1993, month=9)
    async with bank.transaction() as uow:
        assert await measure_drift(uow, method, trained_on) == 2
        assert await measure_drift(uow, method, trained_on) == 0
        assert await measure_drift(uow, method, now) == 2
        await uow.commit()
    later, then = await drifts(bank, champion.id)
    assert (then.measured_on, later.measured_on) == (trained_on.date(), now.date())
    assert then.result["score_psi"] < 0.1 < later.result["score_psi"]
    was, is_ = ({part["feature"]: part["psi"] for part in one.result["features"]} for one in (then, later))
    assert was["tenure_days"] < 0.25 < is_["tenure_days"]
    assert list(is_.values()) == sorted(is_.values(), reverse=True)
    compared = later.result["comparison"]
    assert (compared["challenger"], compared["customers"], compared["band_differs"]) == ("retention-2", later.customers, 0)
    assert compared["mean_bp"] == compared["challenger_mean_bp"]
    assert (await drifts(bank, challenger.id))[0].result["comparison"] is None
    told = REGISTRY.get_sample_value("guanxi_model_drift_psi", {"model": "retention-1", "part": "score"})
    assert told == later.result["score_psi"]


async def test_s6_drift_of_a_version_out_of_use_is_told_no_more(bank: Database, method: Method, now: datetime, book: Any) -> None:
    version = await train(bank, method, now, Role.CHAMPION)
    await book.mark(50)
    await book.score()
    labels = {"model": "retention-1", "part": "score"}
    async with bank.transaction() as uow:
        assert await measure_drift(uow, method, now) == 1
        await uow.commit()
    assert REGISTRY.get_sample_value("guanxi_model_drift_psi", labels) is not None
    async with bank.transaction() as uow:
        await service.roll_back(work_by("staff:operator", uow, now, method.calendar), version.id, "Too many calls.")
        assert await measure_drift(uow, method, now) == 0
        await uow.commit()
    assert REGISTRY.get_sample_value("guanxi_model_drift_psi", labels) is None
    assert version.state is State.ACTIVE


async def drifts(database: Database, model_id: UUID) -> list[repository.Drift]:
    async with database.transaction(readonly=True) as uow:
        return await repository.list_drift(uow, model_id, 10)
