"""S3: closed accounts are a label of leaving once core banking reports them; the sandbox's bank closes none."""

import re
from datetime import date, datetime
from uuid import UUID

import pytest
from guanxi_common.db.uow import Database
from scoring_svc.method import Method
from scoring_svc.register import repository
from scoring_svc.trainings import repository as trainings
from scoring_svc.trainings.repository import Training
from scoring_svc.trainings.schemas import TrainingRequest
from scoring_svc.trainings.service import request_training

from .training_steps import do_trainings

pytestmark = pytest.mark.anyio

CUTS = [date(1993, 8, 31), date(1993, 9, 30)]


async def train(database: Database, method: Method, now: datetime) -> Training:
    asked = TrainingRequest(label="product_closure", train_cuts=CUTS, test_cut=date(1993, 12, 30))
    async with database.transaction() as uow:
        training = await request_training(uow, method, asked, "staff:trainer", now)
        assert await do_trainings(uow, database, method, now)
        done = await trainings.read_training(uow, training.id)
        await uow.commit()
    assert done is not None
    return done


async def test_s3_closed_accounts_train_a_model_and_a_bank_that_closes_none_is_refused(
    bank: Database, method: Method, now: datetime
) -> None:
    unknown = (await train(bank, method, now)).result
    assert unknown is not None
    assert unknown["refusal"] == "0 of 0 rows are positive; training needs 10 of each outcome"
    async with bank.transaction() as uow:
        await uow.driver.execute(
            "INSERT INTO holding (customer_id, account_id, product_code, currency, opened_on)"
            " SELECT customer_id, account_id, 'current', 'CZK', min(booked_on) FROM ledger_entry GROUP BY 1, 2"
        )
        await uow.commit()
    refused = (await train(bank, method, now)).result
    assert refused is not None
    assert re.match(r"0 of \d{3,} rows are positive", refused["refusal"])
    async with bank.transaction() as uow:
        # Every eighth account is closed, a hundred days after the first cut or after the test cut, by turns.
        await uow.driver.execute(
            "UPDATE holding SET closed_on = $1::date + 45 + (place / 8 % 2)::int * $2::int FROM"
            " (SELECT account_id, row_number() OVER (ORDER BY account_id) AS place FROM holding) numbered"
            " WHERE numbered.account_id = holding.account_id AND place % 8 = 0",
            CUTS[0],
            (date(1993, 12, 30) - CUTS[0]).days,
        )
        await uow.commit()
    done = await train(bank, method, now)
    assert done.state == "succeeded", done.result
    async with bank.transaction(readonly=True) as uow:
        assert done.result is not None
        version = await repository.read_version(uow, UUID(done.result["model_id"]))
    assert version is not None
    assert version.training["label"] == "product_closure"
    assert version.training["positives"] > 50
    assert version.back_test is not None
    assert version.back_test["positives"] > 10
