"""A score as a JSON document, and back: what is stored where the columns do not say everything. Pure; each the other's inverse."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from guanxi_common.errors import Text

from scoring_svc.reasons import Reason
from scoring_svc.retention.policy import RetentionRisk
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS
from scoring_svc.scores.policy import Challenger, Figures, Lifetime, Rfm, Score
from scoring_svc.scores.versions import Versions

T = TypeVar("T")


def document_of(score: Score) -> dict[str, Any]:
    """JSON values only; instants in UTC."""
    document = {
        "customer_id": score.customer_id,
        "as_of": score.as_of,
        "known_at": score.known_at,
        "model_version": str(score.versions),
        "bands_version": score.bands_version,
        "retention": {
            "value_bp": score.retention.value_bp,
            "band": score.retention.band,
            "reasons": [_reason_document(reason) for reason in score.retention.reasons],
            "short_history": score.retention.short_history,
        },
        "inputs": {**asdict(score.figures), "other_currencies": list(score.figures.other_currencies)},
        "rfm": {"window_days": RFM_WINDOW_DAYS, **asdict(score.rfm)},
        "lifetime": asdict(score.lifetime),
        "challenger": asdict(score.challenger) if score.challenger else None,
    }
    return msgspec.to_builtins(document)  # type: ignore[no-any-return]  # a dict comes out as a dict


def score_of_document(document: Mapping[str, Any]) -> Score:
    """Raises `LookupError` or `ValueError` for what no version of this service has written."""
    versions = Versions.parse(document["model_version"])
    risk, challenger = document["retention"], document.get("challenger")
    return Score(
        customer_id=UUID(document["customer_id"]),
        as_of=date.fromisoformat(document["as_of"]),
        known_at=datetime.fromisoformat(document["known_at"]),
        versions=versions,
        bands_version=document["bands_version"],
        retention=RetentionRisk(
            risk["value_bp"], risk["band"], _reasons(risk["reasons"]), risk["short_history"], standard_version=versions.rules
        ),
        figures=_part(Figures, {**document["inputs"], "other_currencies": tuple(document["inputs"]["other_currencies"])}),
        rfm=_part(Rfm, document["rfm"]),
        lifetime=_part(Lifetime, document["lifetime"]),
        challenger=_part(Challenger, challenger) if challenger else None,
    )


def _part(kind: type[T], values: Mapping[str, Any]) -> T:
    return kind(**{field.name: values[field.name] for field in fields(kind)})  # type: ignore[arg-type]  # dataclasses only


def _reason_document(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "contribution_bp": reason.contribution_bp,
        "en": reason.text.en,
        "zh": reason.text.zh,
        "evidence_ids": list(reason.evidence_ids),
    }


def _reasons(documents: Sequence[Mapping[str, Any]]) -> tuple[Reason, ...]:
    return tuple(
        Reason(one["code"], one["contribution_bp"], Text(one["en"], one["zh"]), tuple(one["evidence_ids"])) for one in documents
    )
