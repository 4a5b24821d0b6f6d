"""S3: a trained risk is taken apart into whole basis points that add up to it, in words of both languages."""

from datetime import date, timedelta
from functools import cache
from uuid import UUID

import numpy as np
import pytest
from guanxi_common.errors import Text
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scoring_svc.features.policy import Example, Features, FeatureStandard
from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.reasons import Reason
from scoring_svc.retention.policy import Code, RetentionInputs, RetentionStandard, with_contacts
from scoring_svc.retention.trained import RetentionModels, TrainedRetention, rhythm_of
from scoring_svc.standards import load_standards
from scoring_svc.training.applied import matrix_of, shares
from scoring_svc.training.estimators import Kind
from scoring_svc.training.fitting import fit
from scoring_svc.training.table import Table

STANDARD = load_standards(FeatureStandard, "features")[-1]
RETENTION = load_standards(RetentionStandard, "retention")[-1]
CUT = date(2026, 3, 31)
NAMES = ("acts_90", "balance_minor", "silent_days", "satisfaction", "acts_change_bp", "tenure_days", "inflow_90_minor", "acts_30")


def features(draws: np.random.Generator) -> dict[str, float | None]:
    values = dict(zip(NAMES, draws.normal(100, 40, len(NAMES)).round(2).tolist(), strict=True))
    return {**values, "satisfaction": None if draws.random() < 0.3 else float(draws.integers(1, 6))}


@cache
def trained(kind: Kind) -> TrainedRetention:
    draws = np.random.default_rng(3)
    examples = []
    for _ in range(400):
        row = features(draws)
        odds = -1.5 - 0.03 * ((row["acts_90"] or 0) - 100) + 0.02 * ((row["silent_days"] or 0) - 100)
        examples.append(Example(CUT, "CNY", row, bool(draws.random() < expit(odds))))
    fitted = fit(kind, examples, [], ())
    return TrainedRetention(UUID(int=1), 1, fitted.model, frozenset({"CNY"}), 120, None)


def rows(count: int) -> list[Features]:
    draws = np.random.default_rng(11)
    return [features(draws) for _ in range(count)]


@pytest.mark.parametrize("kind", [Kind.LOGISTIC, Kind.BOOSTED_TREES])
def test_s3_the_reasons_of_a_trained_risk_add_up_to_its_probability(kind: Kind) -> None:
    model = trained(kind)
    for row in rows(60):
        reasons = model.concerns(row, STANDARD, "CNY")
        assert sum(reason.contribution_bp for reason in reasons) == model.value_bp(row)
        assert sum(reason.code in NAMES for reason in reasons) <= STANDARD.reasons_shown
        assert all(reason.text.en and reason.text.zh for reason in reasons)


def test_s3_the_strongest_reason_is_what_the_model_learnt() -> None:
    model = trained(Kind.LOGISTIC)
    row = {**rows(1)[0], "acts_90": 5.0, "silent_days": 100.0}
    risk = with_contacts(inputs(), RETENTION, model.concerns(row, STANDARD, "CNY"))
    assert risk.main_reason is not None
    assert risk.main_reason.code == "acts_90"
    assert risk.main_reason.text.en.startswith("Own postings in 90 days: 5 (typical: ")
    assert risk.main_reason.text.en.endswith("this raises the risk.")
    assert risk.main_reason.text.zh.endswith("风险因此上升。")


def test_s3_the_typical_customers_share_is_nobodys_main_reason() -> None:
    model = trained(Kind.LOGISTIC)
    row = {**rows(1)[0], "acts_90": 300.0, "silent_days": 0.0}
    risk = with_contacts(inputs(), RETENTION, [r for r in model.concerns(row, STANDARD, "CNY") if r.contribution_bp < 0][:0])
    assert risk.main_reason is None
    low = with_contacts(inputs(), RETENTION, model.concerns(row, STANDARD, "CNY"))
    raising = [reason for reason in low.reasons if reason.contribution_bp > 0]
    assert raising[-1].code in {Code.TYPICAL, Code.OTHER_FEATURES}
    others = Reason(Code.OTHER_FEATURES, 3_000, Text("40 other features.", "其余40项特征。"))
    named = Reason("acts_90", 100, Text("Own postings.", "主动交易。"))
    assert with_contacts(inputs(), RETENTION, [others, named]).main_reason == named
    assert with_contacts(inputs(), RETENTION, [others]).main_reason is None


def test_s3_what_a_batch_says_of_a_customer_is_what_one_alone_is_told() -> None:
    """The scorer asks one by one, drift and back-test many at once."""
    model = trained(Kind.BOOSTED_TREES)
    many = rows(50)
    together = model.model.probability(Table(matrix_of(many, model.model.encoder.names)))
    assert [round(float(p) * 10_000) for p in together] == [model.value_bp(row) for row in many]


@given(
    base=st.floats(-6, 6),
    parts=st.lists(st.floats(-5, 5), min_size=1, max_size=30),
    together=st.floats(-1, 1),
)
def test_s3_shares_are_whole_and_their_sum_is_exact(base: float, parts: list[float], together: float) -> None:
    log_odds = base + sum(parts) + together
    total = round(float(expit(log_odds)) * 10_000) - round(float(expit(base)) * 10_000)
    found = shares(base, log_odds, np.array(parts), total)
    assert len(found) == len(parts) + 1
    assert sum(found) == total


def test_s3_a_part_is_shared_in_proportion() -> None:
    found = shares(-2.0, -2.0 + 1.0 + 3.0, np.array([1.0, 3.0]), round((expit(2.0) - expit(-2.0)) * 10_000))
    assert found[2] == 0
    assert abs(found[1] - 3 * found[0]) <= 2


def history(currency: str = "CNY", days: int = 200) -> CustomerHistory:
    first = CUT - timedelta(days=days)
    acts = {first: 1, first + timedelta(days=20): 2, CUT - timedelta(days=9): 1}
    return CustomerHistory(CUT, currency, first, {first: 100}, {}, acts, (), 0, 0)


def test_s3_a_model_applies_to_customers_like_those_it_was_trained_on() -> None:
    model = trained(Kind.LOGISTIC)
    assert model.applies(history())
    assert not model.applies(history(days=119))
    assert not model.applies(history(currency="USD"))
    assert RetentionModels(model)
    assert not RetentionModels()


def test_s3_the_rhythm_inside_is_that_of_the_fit_it_was_given() -> None:
    predictor = Predictor(BgNbd(0.25, 4.4, 0.8, 2.4))
    alive, expected = predictor.alive_and_expected([2], [191], [200], 90 / 7)
    found = rhythm_of(predictor, history())
    assert found.p_alive_bp == int(alive[0] * 10_000)
    assert found.expected_acts == round(float(expected[0]), 6)
    assert rhythm_of(None, history()).p_alive_bp is None


def inputs() -> RetentionInputs:
    return RetentionInputs(as_of=CUT, currency="CNY", history_days=200, acts_recent=1, acts_before=1)
