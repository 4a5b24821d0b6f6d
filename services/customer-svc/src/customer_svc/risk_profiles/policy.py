"""Pure rules of risk profiles: until when an assessment counts, and which one does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from guanxi_common.errors import FieldError, Text
from pydantic import ConfigDict


@dataclass(frozen=True)
class RiskProfileStandard:
    """Levels and validity; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    validity_days: int
    levels: Mapping[int, Text]


def latest_expiry(assessed_on: date, standard: RiskProfileStandard) -> date:
    """The last day on which an assessment counts."""
    return assessed_on + timedelta(days=standard.validity_days)


def wrong(assessed_on: date, expires_on: date, today: date, standard: RiskProfileStandard) -> list[FieldError]:
    """Everything that is wrong with the dates of an assessment."""
    found = []
    if assessed_on > today:
        found.append(FieldError("/assessed_on", "in_the_future", Text("The date lies ahead.", "日期晚于今天。")))
    if not assessed_on <= expires_on <= latest_expiry(assessed_on, standard):
        days = standard.validity_days
        detail = Text(f"An assessment counts for 0 to {days} days.", f"评估有效期为0至{days}天。")
        found.append(FieldError("/expires_on", "validity", detail))
    return found


def is_in_force(expires_on: date, today: date) -> bool:
    """Whether the assessment that counts still holds; it does through its last day."""
    return today <= expires_on
