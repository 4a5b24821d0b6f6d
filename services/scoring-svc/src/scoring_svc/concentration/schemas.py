"""Concentration as a caller sees it. Money in minor units of `currency`; shares in basis points."""

from datetime import date
from uuid import UUID

from guanxi_common.http.bodies import Answer

from scoring_svc.concentration.policy import Measure, Part


class TopShareOut(Answer):
    """The top `percent` of the customers, rounded up to whole ones, carry `share_bp` of the total."""

    percent: int
    customers: int
    share_bp: int


class FiguresOut(Answer):
    """`customers`, `total_minor`, `gini_bp` and `top` are of the customers with a value of zero or more; those below zero stand apart.
    `gini_bp` is null where the total is zero: there is nothing to share."""

    customers: int
    total_minor: int
    below_zero: int
    below_zero_minor: int
    gini_bp: int | None
    top: list[TopShareOut]


class PartOut(Answer):
    """One outlet, RM or tier. `id` null: the customers without an RM, or a tier, whose code is its `name`; without one, those who have
    no tier. `name` null as well: a part that the directory no longer names."""

    id: UUID | None
    name: str | None
    figures: FiguresOut


class ConcentrationOut(Answer):
    """The contribution curve of the customers whom the caller may see and whom somebody looks after now.

    `curve_bp[k]` is the share of the total that the lowest k % of the customers carry. `measure_en` and `measure_zh` say what is
    measured and what is not. `parts`, the greatest total first, at most `limit` of the `parts_in_all`.
    """

    as_of: date
    currency: str
    measure: Measure
    measure_en: str
    measure_zh: str
    window_days: int
    standard_version: int
    book: FiguresOut
    curve_bp: list[int]
    by: Part
    parts: list[PartOut]
    parts_in_all: int
