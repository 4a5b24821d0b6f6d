"""S4: a product's propensity is trained on who took it up, judged out of time, and takes the rule's place once it is approved."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from guanxi_common.db.uow import Database
from guanxi_common.errors import DomainError
from guanxi_common.messaging.envelope import Envelope
from guanxi_sandbox.berka import read_berka
from guanxi_testing.work import work_by
from prometheus_client import REGISTRY
from scoring_svc.actions import planner
from scoring_svc.customers.policy import Consent, CustomerFacts
from scoring_svc.holdings.repository import HoldingChange, apply_changes
from scoring_svc.method import Method
from scoring_svc.products.consumers import PRODUCT_SNAPSHOT, replicate_products
from scoring_svc.products.repository import read_catalogue
from scoring_svc.queues import planning
from scoring_svc.register import repository, service
from scoring_svc.register.policy import Role, State
from scoring_svc.register.repository import ModelVersion
from scoring_svc.related_sales.policy import Assessment, RelatedSaleStandard, assess
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.related_sales.service import read_models
from scoring_svc.situations.service import read_situations
from scoring_svc.trainings import repository as trainings
from scoring_svc.trainings.drift import measure_drift
from scoring_svc.trainings.errors import CutOutOfRange, LabelOfOtherName, UnknownProduct
from scoring_svc.trainings.repository import Training
from scoring_svc.trainings.schemas import TrainingRequest
from scoring_svc.trainings.service import request_training

from .training_steps import do_trainings

pytestmark = pytest.mark.anyio

BOOK = UUID(int=7)
BOOKED = datetime.fromisoformat("1994-03-30T12:00:00+00:00")
TRAIN_CUTS, TEST_CUT = [date(1993, 8, 31), date(1993, 9, 30)], date(1993, 12, 30)
TRAINER, APPROVER = "staff:trainer", "staff:approver"
LOAN = {
    "code": "LOAN",
    "version": 1,
    "family": "loan",
    "name": {"zh": "个人贷款", "en": "Personal loan"},
    "risk_class": 1,
    "margin_bp": 300,
    "currency": "CZK",
    "valid_from": "1993-01-01",
    "eligibility": {"min_history_days": 30},
    "consent_purpose": "marketing",
    "links": [],
    "holds_from_account_codes": ["consumer_loan"],
}
CARD = {**LOAN, "code": "CARD", "family": "card", "holds_from_account_codes": ["classic_card"]}


def customer(account_id: int) -> UUID:
    """As `load_bank` derives it."""
    return uuid5(BOOK, str(account_id))


@pytest.fixture
async def shop(bank: Database) -> Database:
    """The bank with its real loans and cards as holdings, and both in the catalogue."""
    data = read_berka()
    opened = [("current", a.account_id, a.account_id, a.opened_on) for a in data.accounts.values()]
    opened += [("consumer_loan", loan.account_id, loan.loan_id, loan.granted_on) for loan in data.loans]
    opened += [("classic_card", card.account_id, card.card_id, card.issued_on) for card in data.cards]
    async with bank.transaction() as uow:
        await apply_changes(
            uow,
            [
                HoldingChange(customer(account), uuid5(BOOK, f"{kind} {number}"), kind, "CZK", on)
                for kind, account, number, on in opened
            ],
            BOOKED,
        )
        await replicate_products(
            uow,
            [
                Envelope(uuid4(), PRODUCT_SNAPSHOT, "directory.snapshots", f"product:{one['code']}", "/", BOOKED, one, 1)
                for one in (LOAN, CARD)
            ],
        )
        await uow.commit()
    return bank


async def ask(database: Database, method: Method, now: datetime, **changes: Any) -> Training:
    asked = {"name": "related_sale:LOAN", "train_cuts": TRAIN_CUTS, "test_cut": TEST_CUT} | changes
    async with database.transaction() as uow:
        training = await request_training(uow, method, TrainingRequest(**asked), TRAINER, now)
        await uow.commit()
    async with database.transaction() as uow:
        assert await do_trainings(uow, database, method, now)
        await uow.commit()
    async with database.transaction(readonly=True) as uow:
        done = await trainings.read_training(uow, training.id)
    assert done is not None
    return done


async def train(database: Database, method: Method, now: datetime, **changes: Any) -> ModelVersion:
    done = await ask(database, method, now, **changes)
    assert done.state == "succeeded", done.result
    assert done.result is not None
    async with database.transaction(readonly=True) as uow:
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


async def assessed(database: Database, method: Method, now: datetime, one: UUID) -> dict[str, Assessment]:
    async with database.transaction(readonly=True) as uow:
        catalogue, today = await read_catalogue(uow), method.calendar.local_date(now)
        models = await read_models(uow, method, catalogue)
        situations = await read_situations(uow, method, [one], today, observe=bool(models))
        found = assess(situations[one], catalogue, method[RelatedSaleStandard], models)
    return {sale.product.code: sale for sale in found}


def without_loan(count: int) -> Sequence[UUID]:
    data = read_berka()
    holders = {loan.account_id for loan in data.loans}
    return [customer(a.account_id) for a in data.accounts.values() if a.account_id not in holders and a.opened_on.year == 1993][
        :count
    ]


async def test_s4_a_propensity_is_trained_on_who_took_the_product_up_and_judged_out_of_time(
    shop: Database, method: Method, now: datetime
) -> None:
    version = await train(shop, method, now)
    assert (version.name, version.number, version.state) == ("related_sale:LOAN", 1, State.BACK_TESTED)
    described, tested = version.training, version.back_test
    assert (described["label"], described["horizon_days"], described["account_codes"]) == (
        "takes_up",
        90,
        ["LOAN", "consumer_loan"],
    )
    assert tested is not None
    assert tested["out_of_time"]
    loans = [(loan.account_id, loan.granted_on) for loan in read_berka().loans]
    assert 10 <= described["positives"] <= sum(cut < on for _, on in loans for cut in TRAIN_CUTS)
    assert 10 <= tested["positives"] <= sum(on > TEST_CUT for _, on in loans)
    auc, rule = tested["auc"], described["rule"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert not set(method[PropensityStandard].left_out) & set(described["features"])
    async with shop.transaction(readonly=True) as uow:
        card = await repository.read_card(uow, version.id)
    assert card is not None
    assert f"| AUC | {auc['value']:.3f} | {auc['low']:.3f} to {auc['high']:.3f} |" in card
    assert f"AUC {rule['auc']['value']:.3f}" in card
    assert "within 90 days after the cut" in card


async def test_s4_a_product_that_too_few_took_up_trains_nothing_and_says_so(
    shop: Database, method: Method, now: datetime
) -> None:
    done = await ask(shop, method, now, name="related_sale:CARD")
    assert done.state == "failed"
    assert done.result is not None
    assert "training needs 10 of each outcome" in done.result["refusal"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": "related_sale:NONE"}, UnknownProduct),
        ({"label": "leaves"}, LabelOfOtherName),
        ({"name": "retention", "label": "takes_up"}, LabelOfOtherName),
        ({"test_cut": date(1993, 12, 31)}, CutOutOfRange),
        ({"test_cut": date(1993, 12, 28)}, CutOutOfRange),
    ],
    ids=["unknown product", "label of leaving", "label of a sale", "horizon not over", "test within the training"],
)
async def test_s4_what_cannot_be_trained_is_refused_at_once(
    shop: Database, method: Method, now: datetime, changes: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        await ask(shop, method, now, **changes)


async def test_s4_without_an_active_model_the_rule_speaks_and_the_answer_says_which(
    shop: Database, method: Method, now: datetime
) -> None:
    [one] = without_loan(1)
    before = await assessed(shop, method, now, one)
    assert before["LOAN"].model_version == method[RelatedSaleStandard].model_version
    version = await train(shop, method, now)
    assert await assessed(shop, method, now, one) == before
    await put_to_use(shop, method, version, now)
    after = await assessed(shop, method, now, one)
    assert after["LOAN"].model_version == "related_sale:LOAN-1"
    assert after["CARD"] == before["CARD"]
    async with shop.transaction() as uow:
        assert await service.roll_back(work_by(APPROVER, uow, now, method.calendar), version.id, "Too many calls.") is None
        await uow.commit()
    assert await assessed(shop, method, now, one) == before


@pytest.mark.parametrize("kind", ["logistic", "boosted_trees"])
async def test_s4_reasons_add_up_to_the_propensity_in_words_of_both_languages(
    shop: Database, method: Method, now: datetime, kind: str
) -> None:
    await put_to_use(shop, method, await train(shop, method, now, kind=kind), now)
    values = set()
    for one in without_loan(20):
        sale = (await assessed(shop, method, now, one))["LOAN"]
        assert sale.reasons[0].code == sale.type
        parts = [reason for reason in sale.reasons if reason.contribution_bp is not None]
        assert sum(reason.contribution_bp or 0 for reason in parts) == sale.propensity_bp
        assert len(parts) <= method[PropensityStandard].reasons_shown + 2
        assert all(reason.words.zh and reason.words.en for reason in sale.reasons)
        assert sale.value_minor == sale.propensity_bp * sale.product.margin_bp * sale.amount_minor // 10_000**2
        values.add(sale.propensity_bp)
    assert len(values) > 5


async def test_s4_a_holder_and_a_stranger_to_the_training_keep_the_rule(shop: Database, method: Method, now: datetime) -> None:
    await put_to_use(shop, method, await train(shop, method, now), now)
    [holder] = [customer(loan.account_id) for loan in read_berka().loans][:1]
    assert "LOAN" not in await assessed(shop, method, now, holder)
    async with shop.transaction() as uow:
        young = await uow.driver.fetchval(
            "SELECT customer_id FROM daily_activity GROUP BY 1 HAVING min(booked_on) > '1994-03-05' ORDER BY 1 LIMIT 1"
        )
    assert (await assessed(shop, method, now, young))["LOAN"].model_version == method[RelatedSaleStandard].model_version


async def test_s4_a_challenger_speaks_beside_the_rule_and_changes_nothing(shop: Database, method: Method, now: datetime) -> None:
    [one] = without_loan(1)
    before = (await assessed(shop, method, now, one))["LOAN"]
    await put_to_use(shop, method, await train(shop, method, now), now, Role.CHALLENGER)
    after = (await assessed(shop, method, now, one))["LOAN"]
    assert (after.propensity_bp, after.model_version) == (before.propensity_bp, before.model_version)
    assert after.challenger is not None
    assert after.challenger.model_version == "related_sale:LOAN-1"


async def test_s4_an_action_names_the_model_of_its_propensity(
    shop: Database, method: Method, now: datetime, book: Any, keep_facts: Any
) -> None:
    await put_to_use(shop, method, await train(shop, method, now), now)
    ids = await book.mark(25)
    await book.score()
    agreed = (Consent("marketing", "phone", granted=True),)
    async with shop.transaction() as uow:
        known = [CustomerFacts(one, "individual", None, date(1994, 3, 20), consents=agreed) for one in ids]
        await keep_facts(uow, *known)
        await planning.mark(uow, ids, now)
        await planner.plan_due_customers(uow, method, now)
        rows = await uow.driver.fetch(
            "SELECT customer_id, propensity_bp, evidence, reasons FROM action WHERE product_code = 'LOAN'"
        )
        await uow.commit()
    assert rows
    for row in rows:
        sale = (await assessed(shop, method, now, row["customer_id"]))["LOAN"]
        assert (row["propensity_bp"], row["evidence"]["model"]) == (sale.propensity_bp, "related_sale:LOAN-1")
        assert row["reasons"][0]["code"] == "cross"
        assert "typical_customer" not in {reason["code"] for reason in row["reasons"]}


async def test_s4_equal_trainings_give_equal_propensities_whoever_loads_them(
    shop: Database, method: Method, now: datetime
) -> None:
    one, two = await train(shop, method, now), await train(shop, method, now)
    assert (one.training, one.back_test) == (two.training, two.back_test)
    assert (one.number, two.number) == (1, 2)
    async with shop.transaction(readonly=True) as uow:
        assert await read_models(uow, method, await read_catalogue(uow)) == {}


async def test_s6_the_drift_of_a_propensity_is_measured_on_those_who_could_take_the_product_up(
    shop: Database, method: Method, now: datetime, book: Any
) -> None:
    version = await train(shop, method, now)
    await put_to_use(shop, method, version, now)
    await book.mark(100)
    await book.score()
    async with shop.transaction() as uow:
        assert await measure_drift(uow, method, now) == 1
        assert await measure_drift(uow, method, now) == 0
        [found] = await repository.list_drift(uow, version.id, 5)
        await uow.commit()
    scored = set(await book.stored())
    holders = {customer(loan.account_id) for loan in read_berka().loans}
    assert found.customers == len(scored - holders)
    assert found.result["features"]
    labels = {"model": "related_sale:LOAN-1", "part": "score"}
    assert REGISTRY.get_sample_value("guanxi_model_drift_psi", labels) == found.result["score_psi"]
