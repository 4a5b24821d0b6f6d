"""How concentrated the book is, as a whole and in its parts."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from guanxi_common.currencies import MINOR_DIGITS
from guanxi_common.errors import InvalidInput, Text
from guanxi_common.work import Work

from scoring_svc.concentration import repository
from scoring_svc.concentration.policy import (
    WHOLE_BP,
    Concentration,
    ConcentrationStandard,
    Measure,
    MeasureText,
    Part,
    concentration,
    standard_for,
)
from scoring_svc.concentration.repository import PartOfBook, Valued
from scoring_svc.concentration.schemas import ConcentrationOut, FiguresOut, PartOut, TopShareOut
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.method import Method, day_asked


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: which measure, in which currency, on which business date (None: today), divided by what."""

    measure: Measure
    currency: str
    as_of: date | None
    by: Part
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The concentration of the book and of its parts, the greatest total first."""

    as_of: date
    standard: ConcentrationStandard
    measure: MeasureText
    book: Concentration
    parts: list[tuple[PartOfBook, Concentration]]


async def measure_concentration(work: Work, method: Method, asked: Question) -> Answered:
    """Measure the book in scope. Raises `InvalidInput` for a date to come and an unknown currency."""
    as_of = day_asked(method, work.now, asked.as_of)
    if asked.currency not in MINOR_DIGITS:
        raise InvalidInput(Text("currency is none of ISO 4217.", "currency 不是 ISO 4217 币种代码。"))
    standard = standard_for(method.begun(ConcentrationStandard), asked.measure, as_of)
    bank_bookings = method[ActivityClasses].bank_bookings
    valued = Valued(asked.by, asked.measure, asked.currency, as_of, standard.window_days, bank_bookings, standard.margin)
    parts = await repository.read_values(work, valued)
    values = np.concatenate([part.values for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    whole = concentration(values, standard.top_percents)
    divided = [] if asked.by is Part.BOOK else [(part, concentration(part.values, standard.top_percents)) for part in parts]
    divided.sort(key=lambda one: (-one[1].total_minor, str(one[0].group_id), one[0].name or ""))
    return Answered(as_of, standard, standard.describe(asked.measure), whole, divided)


async def read_concentration(work: Work, method: Method, asked: Question) -> ConcentrationOut:
    """As `measure_concentration`, as a caller sees it."""
    found = await measure_concentration(work, method, asked)
    return ConcentrationOut(
        as_of=found.as_of,
        currency=asked.currency,
        measure=asked.measure,
        measure_en=found.measure.en,
        measure_zh=found.measure.zh,
        window_days=found.standard.window_days,
        standard_version=found.standard.version,
        book=_figures(found.book),
        curve_bp=[round(WHOLE_BP * share) for share in found.book.curve],
        by=asked.by,
        parts=[
            PartOut(id=part.group_id, name=part.name, figures=_figures(figures)) for part, figures in found.parts[: asked.limit]
        ],
        parts_in_all=len(found.parts),
    )


def _figures(found: Concentration) -> FiguresOut:
    return FiguresOut(
        customers=found.customers,
        total_minor=found.total_minor,
        below_zero=found.below_zero,
        below_zero_minor=found.below_zero_minor,
        gini_bp=None if found.gini is None else round(WHOLE_BP * found.gini),
        top=[TopShareOut(percent=one.percent, customers=one.customers, share_bp=one.share_bp) for one in found.top],
    )
