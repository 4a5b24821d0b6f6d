"""S3: the retention model is trained on the bank's own ledger, back-tested out of time, and scores with reasons that add up."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.db.uow import Database
from guanxi_common.ids import new_id
from guanxi_common.operations import service as operations
from guanxi_common.operations.repository import Caller, take
from guanxi_common.security.principal import RowScope, ScopeKind
from guanxi_testing.work import work_by
from scoring_svc.features.policy import FeatureStandard
from scoring_svc.method import Method
from scoring_svc.register import artefacts, repository, service
from scoring_svc.register.policy import Role, State
from scoring_svc.register.repository import ModelVersion
from scoring_svc.training.artefact import UnreadableModel
from scoring_svc.trainings import repository as trainings
from scoring_svc.trainings.errors import CutOutOfRange, NotATrainedName
from scoring_svc.trainings.schemas import TrainingRequest
from scoring_svc.trainings.service import KIND, request_training

from .training_steps import do_trainings

pytestmark = pytest.mark.anyio

TRAIN_CUTS = [date(1993, 8, 31), date(1993, 9, 30)]
TEST_CUT = date(1993, 12, 30)
TRAINER, APPROVER = "staff:trainer", "staff:approver"


def request(**changes: Any) -> TrainingRequest:
    return TrainingRequest(**({"train_cuts": TRAIN_CUTS, "test_cut": TEST_CUT} | changes))


async def train(database: Database, method: Method, now: datetime, **changes: Any) -> ModelVersion:
    """Ask for a training and do it as the worker does."""
    async with database.transaction() as uow:
        training = await request_training(uow, method, request(**changes), TRAINER, now)
        await uow.commit()
    async with database.transaction() as uow:
        assert await do_trainings(uow, database, method, now)
        await uow.commit()
    async with database.transaction(readonly=True) as uow:
        done = await trainings.read_training(uow, training.id)
        assert done is not None
        assert done.result is not None
        assert done.state == "succeeded", done.result
        version = await repository.read_version(uow, UUID(done.result["model_id"]))
    assert version is not None
    return version


async def put_to_use(
    database: Database, method: Method, version: ModelVersion, now: datetime, role: Role = Role.CHAMPION
) -> None:
    async with database.transaction() as uow:
        await service.approve(work_by(APPROVER, uow, now, method.calendar), version.id, "Back-test read.")
        await service.activate(work_by(APPROVER, uow, now, method.calendar), version.id, role, None, "Approved.")
        await uow.commit()


async def test_s3_a_model_is_trained_and_back_tested_out_of_time(bank: Database, method: Method, now: datetime) -> None:
    version = await train(bank, method, now)
    assert (version.state, version.number, version.kind) == (State.BACK_TESTED, 1, "logistic")
    assert (version.training["train_cuts"], version.training["test_cut"]) == (["1993-08-31", "1993-09-30"], "1993-12-30")
    assert version.training["positives"] > 40
    assert not set(method[FeatureStandard].left_out) & set(version.training["features"])
    # Accounts of this bank do not drop out, so the BG/NBD fit at the cut is refused and its features say nothing.
    assert version.training["rhythm"] is None
    assert version.back_test is not None
    assert version.back_test["out_of_time"]
    auc = version.back_test["auc"]
    assert 0.5 < auc["low"] < auc["value"] < auc["high"]
    assert sum(part["rows"] for part in version.back_test["calibration"]) == version.back_test["rows"]
    async with bank.transaction(readonly=True) as uow:
        card = await repository.read_card(uow, version.id)
        steps = await repository.list_steps(uow, version.id)
    assert card is not None
    assert f"AUC | {auc['value']:.3f}" in card
    assert [step.to_state for step in steps] == [State.CANDIDATE, State.BACK_TESTED]


async def test_s3_the_same_training_gives_the_same_model(bank: Database, method: Method, now: datetime) -> None:
    one, two = await train(bank, method, now), await train(bank, method, now)
    assert (one.training, one.back_test) == (two.training, two.back_test)
    assert two.number == one.number + 1
    async with bank.transaction(readonly=True) as uow:
        assert await repository.read_distributions(uow, one.id) == await repository.read_distributions(uow, two.id)


async def test_s3_without_a_test_cut_the_split_is_random_and_says_so(bank: Database, method: Method, now: datetime) -> None:
    version = await train(bank, method, now, test_cut=None)
    assert version.back_test is not None
    assert not version.back_test["out_of_time"]
    assert "not a test over time" in version.back_test["protocol"]


async def test_s3_a_label_with_too_few_cases_is_refused_with_its_reason(bank: Database, method: Method, now: datetime) -> None:
    async with bank.transaction() as uow:
        training = await request_training(uow, method, request(label="full_attrition"), TRAINER, now)
        assert await do_trainings(uow, bank, method, now)
        done = await trainings.read_training(uow, training.id)
    assert done is not None
    assert done.result is not None
    assert done.state == "failed"
    assert "training needs 10 of each outcome" in done.result["refusal"]


@pytest.mark.parametrize(
    "changes",
    [
        {"test_cut": date(1993, 12, 31)},
        {"train_cuts": [date(1994, 1, 15)], "test_cut": None},
        {"test_cut": TRAIN_CUTS[-1] + timedelta(days=89)},
        {"horizon_days": 180},
    ],
    ids=["horizon of the test not over", "horizon of the training not over", "test within the training", "long horizon"],
)
async def test_s3_a_cut_whose_horizon_is_not_known_is_refused(
    bank: Database, method: Method, now: datetime, changes: dict[str, Any]
) -> None:
    async with bank.transaction() as uow:
        with pytest.raises(CutOutOfRange):
            await request_training(uow, method, request(**changes), TRAINER, now)


async def test_s3_other_names_are_free_but_not_trained_here(bank: Database, method: Method, now: datetime) -> None:
    async with bank.transaction() as uow:
        with pytest.raises(NotATrainedName):
            await request_training(uow, method, request(name="loyalty"), TRAINER, now)


async def test_s3_a_killed_training_is_done_by_the_next_worker(bank: Database, method: Method, now: datetime) -> None:
    async with bank.transaction() as uow:
        await request_training(uow, method, request(), TRAINER, now)
        await uow.commit()
    async with bank.transaction() as uow:
        assert await do_trainings(uow, bank, method, now)
        async with bank.transaction() as other:
            assert await take(other, KIND, now, alone=False) is None
        # The worker dies here: nothing of it is committed.
    async with bank.transaction() as uow:
        assert await repository.list_versions(uow, name=None, past=None, limit=5) == []
        assert await do_trainings(uow, bank, method, now)
        assert len(await repository.list_versions(uow, name=None, past=None, limit=5)) == 1


async def test_d9_a_training_is_an_operation_and_cancelled_as_one(bank: Database, method: Method, now: datetime) -> None:
    async with bank.transaction() as uow:
        training = await request_training(uow, method, request(), TRAINER, now)
        await operations.cancel(uow, Caller(RowScope(ScopeKind.OWN), TRAINER), training.id, now)
        assert not await do_trainings(uow, bank, method, now)
        done = await trainings.read_training(uow, training.id)
    assert done is not None
    assert (done.state, done.finished_at, done.result) == ("cancelled", now, None)


@pytest.mark.parametrize("kind", ["logistic", "boosted_trees"])
async def test_s3_customers_are_scored_by_the_active_model_and_reasons_add_up(
    bank: Database, method: Method, now: datetime, book: Any, kind: str
) -> None:
    version = await train(bank, method, now, kind=kind, test_cut=None if kind == "boosted_trees" else TEST_CUT)
    await put_to_use(bank, method, version, now)
    customers = await book.mark(60)
    await book.score()
    stored = await book.stored()
    assert len(stored) == len(customers) == 60
    values = set()
    for score in stored.values():
        risk = score["retention"]
        assert score["model_version"].startswith("retention-1+retention-rules-1+bgnbd-")
        assert sum(reason["contribution_bp"] for reason in risk["reasons"]) == risk["value_bp"]
        assert 0 <= risk["value_bp"] <= 10_000
        assert all(reason["en"] and reason["zh"] for reason in risk["reasons"])
        values.add(risk["value_bp"])
    assert len(values) > 20


async def test_s3_equal_inputs_give_equal_bytes_whoever_loads_the_model(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    await put_to_use(bank, method, await train(bank, method, now), now)
    await book.mark(25)
    await book.score()
    first = [json.dumps(score) for score in (await book.stored()).values()]
    artefacts.forget_loaded()
    await book.mark(25)
    await book.score()
    assert [json.dumps(score) for score in (await book.stored()).values()] == first


async def test_s3_a_contact_lowers_a_trained_risk_by_its_stated_contribution(
    bank: Database, method: Method, now: datetime, book: Any
) -> None:
    await put_to_use(bank, method, await train(bank, method, now), now)
    customers = await book.mark(200)
    await book.score()
    before = await book.stored()
    customer = max(customers, key=lambda one: before[one]["retention"]["value_bp"])
    assert before[customer]["retention"]["value_bp"] > 500
    contact = new_id()
    async with bank.transaction() as uow:
        await uow.driver.execute(
            "INSERT INTO contact_effect VALUES ($1, $2, 'interaction', $3, -500, 1, $4)", customer, contact, now.date(), now
        )
        await uow.driver.execute(
            "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) VALUES ($1, $2, $3, false)",
            customer,
            now,
            now.date(),
        )
        await uow.commit()
    await book.score()
    after = (await book.stored())[customer]
    assert after["retention"]["value_bp"] == before[customer]["retention"]["value_bp"] - 500
    [reason] = [reason for reason in after["retention"]["reasons"] if reason["code"] == "contact"]
    assert (reason["contribution_bp"], reason["evidence_ids"]) == (-500, [str(contact)])


async def test_s3_a_short_history_is_scored_by_the_rules(bank: Database, method: Method, now: datetime, book: Any) -> None:
    await put_to_use(bank, method, await train(bank, method, now), now)
    async with bank.transaction() as uow:
        young = await uow.driver.fetchval(
            "SELECT customer_id FROM daily_activity GROUP BY 1 HAVING min(booked_on) > '1994-02-15' ORDER BY 1 LIMIT 1"
        )
        await uow.driver.execute(
            "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) VALUES ($1, $2, $3, false)",
            young,
            now,
            now.date(),
        )
        await uow.commit()
    await book.score()
    score = (await book.stored())[young]
    assert score["model_version"].startswith("retention-rules-1+")
    assert score["retention"]["short_history"]


async def test_s6_an_artefact_that_was_changed_is_not_loaded(bank: Database, method: Method, now: datetime, book: Any) -> None:
    version = await train(bank, method, now)
    await put_to_use(bank, method, version, now)
    async with bank.transaction() as uow:
        await uow.driver.execute("UPDATE model_version SET artefact_text = replace(artefact_text, '\"base\"', '\"bias\"')")
        await uow.commit()
    artefacts.forget_loaded()
    await book.mark(1)
    await book.score()
    assert await book.stored() == {}
    async with bank.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT reason FROM set_aside_item") == UnreadableModel.__name__
