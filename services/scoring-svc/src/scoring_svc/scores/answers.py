"""The parts of a score as it is served. Pure."""

from scoring_svc.retention.policy import RetentionRisk
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS, RfmStandard
from scoring_svc.scores.schemas import ReasonOut, RetentionOut, RfmOut


def retention_out(risk: RetentionRisk) -> RetentionOut:
    return RetentionOut(
        value_bp=risk.value_bp,
        band=risk.band,
        reasons=[
            ReasonOut(
                code=reason.code,
                contribution_bp=reason.contribution_bp,
                en=reason.text.en,
                zh=reason.text.zh,
                evidence_ids=list(reason.evidence_ids),
            )
            for reason in risk.reasons
        ],
        short_history=risk.short_history,
    )


def rfm_out(standard: RfmStandard, number: int | None, recency: int, frequency: int, monetary: int) -> RfmOut:
    """`number`: the cell, None without bounds."""
    group = standard.group(number) if number is not None else None
    return RfmOut(
        window_days=RFM_WINDOW_DAYS,
        recency_days=recency,
        frequency=frequency,
        monetary_minor=monetary,
        cell=number,
        group=group.code if group else None,
        group_zh=group.zh if group else None,
    )
