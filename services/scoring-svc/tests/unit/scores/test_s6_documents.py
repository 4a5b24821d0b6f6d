"""S6: a score as the document that is stored and as the answer that is served: written here by hand, and read back the same."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from guanxi_common.errors import Text
from scoring_svc.reasons import Reason
from scoring_svc.retention.policy import Code, RetentionRisk
from scoring_svc.scores.documents import document_of, score_of_document
from scoring_svc.scores.policy import Challenger, Figures, Lifetime, Rfm, Score
from scoring_svc.scores.schemas import ScoreOut
from scoring_svc.scores.versions import Versions

CUSTOMER, FIT = UUID(int=7), UUID("0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a13")
TRAINED = Score(
    customer_id=CUSTOMER,
    as_of=date(2026, 11, 23),
    known_at=datetime(2026, 11, 23, 9, 15, 0, 120, tzinfo=UTC),
    versions=Versions(1, FIT, 3),
    bands_version="run-x",
    retention=RetentionRisk(
        1_700,
        "low",
        (
            Reason("acts", 2_500, Text("Few acts.", "交易少。")),
            Reason(Code.CONTACT, -800, Text("Met.", "已面谈。"), ("i-1", "i-2")),
        ),
        short_history=False,
        standard_version=1,
    ),
    figures=Figures("CNY", ("EUR", "USD"), 640, 14, 15, 1, 120_000, None, 2_900_000, 2_800_000, None, 8_123),
    rfm=Rfm(1, 58, 9_100_000, 544, "champions", "核心客户"),
    lifetime=Lifetime(8_123, 4.321987),
    challenger=Challenger("retention-4", 1_450, "low"),
)
DOCUMENT: dict[str, Any] = {
    "customer_id": "00000000-0000-0000-0000-000000000007",
    "as_of": "2026-11-23",
    "known_at": "2026-11-23T09:15:00.000120Z",
    "model_version": f"retention-3+retention-rules-1+bgnbd-{FIT}",
    "bands_version": "run-x",
    "retention": {
        "value_bp": 1_700,
        "band": "low",
        "reasons": [
            {"code": "acts", "contribution_bp": 2_500, "en": "Few acts.", "zh": "交易少。", "evidence_ids": []},
            {"code": "contact", "contribution_bp": -800, "en": "Met.", "zh": "已面谈。", "evidence_ids": ["i-1", "i-2"]},
        ],
        "short_history": False,
    },
    "inputs": {
        "currency": "CNY",
        "other_currencies": ["EUR", "USD"],
        "history_days": 640,
        "acts_recent": 14,
        "acts_before": 15,
        "silent_days": 1,
        "balance_minor": 120_000,
        "median_balance_minor": None,
        "outflow_minor": 2_900_000,
        "inflow_minor": 2_800_000,
        "income_overdue_days": None,
        "p_alive_bp": 8_123,
    },
    "rfm": {
        "window_days": 365,
        "recency_days": 1,
        "frequency": 58,
        "monetary_minor": 9_100_000,
        "cell": 544,
        "group": "champions",
        "group_zh": "核心客户",
    },
    "lifetime": {"p_alive_bp": 8_123, "expected_acts_90_days": 4.321987},
    "challenger": {"model_version": "retention-4", "value_bp": 1_450, "band": "low"},
}


def test_s6_a_score_is_stored_and_served_as_one_document() -> None:
    assert document_of(TRAINED) == DOCUMENT
    assert json.loads(ScoreOut.of(TRAINED).model_dump_json()) == DOCUMENT
    assert score_of_document(json.loads(json.dumps(DOCUMENT))) == TRAINED


def test_s6_a_document_from_before_there_were_challengers_has_none() -> None:
    before = {name: value for name, value in DOCUMENT.items() if name != "challenger"}
    assert score_of_document(before).challenger is None


@pytest.mark.parametrize("changed", [{"model_version": "by hand"}, {"known_at": "yesterday"}, {"customer_id": "7"}, {"rfm": {}}])
def test_s6_what_no_version_of_the_service_has_written_is_no_score(changed: dict[str, Any]) -> None:
    with pytest.raises((LookupError, ValueError)):
        score_of_document({**DOCUMENT, **changed})


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ([], None),
        ([("acts", 2_500), ("silence", 100)], "acts"),
        ([("contact", -800)], None),
        ([("typical_customer", 900), ("acts", 100)], None),
        ([("other_features", 900)], None),
    ],
)
def test_s3_what_lowers_the_risk_or_has_no_name_is_no_main_reason(reasons: list[tuple[str, int]], code: str | None) -> None:
    document = {"code": "", "en": "e", "zh": "z", "evidence_ids": []}
    told = [{**document, "code": name, "contribution_bp": points} for name, points in reasons]
    assert score_of_document({**DOCUMENT, "retention": {**DOCUMENT["retention"], "reasons": told}}).main_reason_code == code
