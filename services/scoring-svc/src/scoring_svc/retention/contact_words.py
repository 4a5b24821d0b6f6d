"""What a reason says of a contact: what was recorded, whatever the contribution is. Pure.

A contribution follows the standard (`engagements.policy`): an appointment lowers the risk although nobody has recorded what the talk did to
the relationship. The words follow the record alone.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from guanxi_common.errors import Text

_DAY: Final = "DATE"
"""Stands for the day of the contact."""

_RECORDED: Final = Text("There was a contact on DATE.", "DATE有联系记录。")
"""Of a contact that was kept without its result, and of a result that has no words here."""

_RESULTS: Final[Mapping[str, Text]] = {
    "reached_positive": Text("The customer was reached on DATE and answered positively.", "DATE已联系到客户，客户反馈积极。"),
    "reached_neutral": Text("The customer was reached on DATE.", "DATE已联系到客户。"),
    "reached_negative": Text("The customer was reached on DATE and answered negatively.", "DATE已联系到客户，客户反馈消极。"),
    "appointment_made": Text("An appointment was made on DATE.", "DATE已与客户约定会面。"),
    "declined": Text("The customer declined on DATE.", "DATE客户拒绝了沟通。"),
    "not_reached": Text("The customer was not reached on DATE.", "DATE未联系到客户。"),
}

_EFFECTS: Final[Mapping[str, Text]] = {
    "starts": Text(" The contact started a relationship.", "此次联系建立了客户关系。"),
    "strengthens": Text(" The contact strengthened the relationship.", "此次联系改善了客户关系。"),
    "weakens": Text(" The contact strained the relationship.", "此次联系使客户关系受损。"),
    "ends": Text(" The contact ended the relationship.", "此次联系终止了客户关系。"),
}

_REVIEWED: Final = Text("The financial plan was reviewed on DATE.", "DATE检视了理财规划。")
_REVIEWS: Final[Mapping[str, Text]] = {
    "on_track": Text("The financial plan was reviewed on DATE: on track.", "DATE检视了理财规划：进展正常。"),
    "adjusted": Text("The financial plan was reviewed and adjusted on DATE.", "DATE检视并调整了理财规划。"),
    "at_risk": Text("The financial plan was reviewed on DATE: at risk.", "DATE检视了理财规划：存在风险。"),
    "ended": Text("The financial plan was reviewed and ended on DATE.", "DATE检视并终止了理财规划。"),
}


def words_of(kind: str, on: date, result: str | None, effect: str | None) -> Text:
    """`kind`: `interaction` or `plan_review`; `result`: of the contact, or the outcome of the review; None: not kept."""
    if kind == "plan_review":
        first, then = _REVIEWS.get(result or "", _REVIEWED), None
    else:
        first, then = _RESULTS.get(result or "", _RECORDED), _EFFECTS.get(effect or "none")
    en, zh = (f"{first.en}{then.en}", f"{first.zh}{then.zh}") if then else (first.en, first.zh)
    return Text(en.replace(_DAY, on.isoformat()), zh.replace(_DAY, on.isoformat()))
