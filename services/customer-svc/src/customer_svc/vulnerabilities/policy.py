"""Pure rules of vulnerabilities: which kinds there are, and when a review is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from guanxi_common.errors import FieldError, Text
from pydantic import ConfigDict


@dataclass(frozen=True)
class VulnerabilityStandard:
    """Kinds and the time to the review; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    review_within_days: int
    kinds: Mapping[str, Text]


def wrong(kind: str | None, review_on: date, today: date, standard: VulnerabilityStandard) -> list[FieldError]:
    """Everything that is wrong with what is asked for; without a kind it is a review."""
    found = []
    if kind is not None and kind not in standard.kinds:
        found.append(FieldError("/kind", "unknown_kind", Text("There is no such kind.", "没有该类别。")))
    if not today < review_on <= today + timedelta(days=standard.review_within_days):
        days = standard.review_within_days
        detail = Text(f"A review lies ahead, within {days} days.", f"复核日期须在未来{days}天之内。")
        found.append(FieldError("/review_on", "review_date", detail))
    return found
