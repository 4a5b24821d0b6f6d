"""The classification tasks: the rows of each, and how they are held out. Nothing is fitted here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
from sklearn.model_selection import TimeSeriesSplit

from scoring_svc.evaluation import berka_aggregates, berka_features
from scoring_svc.evaluation.berka_features import LAST_CUT, Bank, Sample, read_bank
from scoring_svc.evaluation.sources import Sources
from scoring_svc.training.metrics import Outcomes
from scoring_svc.training.table import Ints, Table, binary, typed
from scoring_svc.training.validation import Split, repeated_folds

TRAINING_CUTS: Final = (date(1995, 12, 31), date(1996, 12, 31))
KNOWN_ONLY_AFTER_THE_CALL: Final = "duration"
MONTHS_BEFORE_THE_FIRST_WINDOW: Final = 12
MONTHS_OF_A_WINDOW: Final = 3
EQUAL_WINDOWS: Final = 5
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_MONTH: Final = "may"


@dataclass(frozen=True)
class Task:
    """`windows`: the splits are steps in time, each judged alone and then together; else they are repeated folds."""

    table: Table
    outcome: Outcomes
    splits: tuple[Split, ...]
    windows: bool
    protocol: str


def berka(name: str) -> Callable[[Sources, int], Task]:
    def build(sources: Sources, seeds: int) -> Task:
        bank = read_bank(sources)
        sample = berka_aggregates.samples(berka_aggregates.read_aggregates(sources, bank), bank)[name]
        return _folds(sample.features, sample.outcome, seeds)

    return build


def berka_later(sample_at: Callable[[Bank, int], Sample]) -> Callable[[Sources, int], Task]:
    def build(sources: Sources, _: int) -> Task:
        bank = read_bank(sources)
        samples = [sample_at(bank, cut.toordinal()) for cut in (*TRAINING_CUTS, LAST_CUT)]
        table = Table(
            {name: np.concatenate([sample.features.columns[name] for sample in samples]) for name in samples[0].features.columns}
        )
        outcome = np.concatenate([sample.outcome for sample in samples])
        later = outcome.size - samples[-1].outcome.size
        split = Split(np.arange(later), np.arange(later, outcome.size), 0)
        return Task(table, outcome, (split,), True, "trained on the cuts of 1995 and 1996, tested on 1997")

    return build


def bank_marketing_random(sources: Sources, seeds: int) -> Task:
    table, outcome, _ = _bank_marketing(sources)
    return _folds(table, outcome, min(seeds, 1))


def bank_marketing_quarters(sources: Sources, _: int) -> Task:
    """The first year only trains: before that a model has not seen every season."""
    table, outcome, month = _bank_marketing(sources)
    quarter = month // MONTHS_OF_A_WINDOW
    tested = np.unique(quarter[month >= MONTHS_BEFORE_THE_FIRST_WINDOW])
    splits = tuple(Split(np.flatnonzero(quarter < q), np.flatnonzero(quarter == q), 0) for q in tested.tolist())
    return Task(
        table, outcome, splits, True, f"{len(splits)} windows of a quarter from the second year on, each after all before"
    )


def bank_marketing_fifths(sources: Sources, _: int) -> Task:
    """Windows of equal rows; the first is predicted from little more than the first month."""
    table, outcome, _months = _bank_marketing(sources)
    splits = tuple(Split(seen, unseen, 0) for seen, unseen in TimeSeriesSplit(EQUAL_WINDOWS).split(np.zeros(table.rows)))
    return Task(table, outcome, splits, True, f"{len(splits)} windows of equal rows, each after all before")


def caravan(sources: Sources, seeds: int) -> Task:
    raw = sources.table("caravan/Caravan.csv.xz")
    return _folds(typed(raw, leave_out=("Purchase",)), binary(raw, "Purchase"), seeds)


def months_since_start(names: list[str]) -> Ints:
    """Months since the first call, from rows in time order that tell only the month's name: a smaller month is a new year."""
    months = np.array([_MONTHS.index(name) for name in names], dtype=np.int64)
    year = np.cumsum(np.append(0, np.diff(months) < 0))
    return np.asarray(12 * year + months - _MONTHS.index(_FIRST_MONTH), dtype=np.int64)


def _bank_marketing(sources: Sources) -> tuple[Table, Outcomes, Ints]:
    raw = sources.table("bank_marketing/bank-additional-full.csv.xz")
    table = typed(raw, leave_out=("y", KNOWN_ONLY_AFTER_THE_CALL))
    return table, binary(raw, "y"), months_since_start(raw.column("month"))


def _folds(table: Table, outcome: Outcomes, seeds: int) -> Task:
    return Task(
        table,
        outcome,
        repeated_folds(outcome, seeds=range(seeds)),
        False,
        "5 random folds, " + ("seed 0" if seeds == 1 else f"seeds 0–{seeds - 1}"),
    )


BUILDERS: Final[Mapping[str, Callable[[Sources, int], Task]]] = {
    "berka_a1": berka("a1"),
    "berka_a2": berka("a2"),
    "berka_card": berka("card"),
    "berka_loan": berka("loan"),
    "berka_card_later": berka_later(berka_features.issued_card),
    "berka_loan_later": berka_later(berka_features.granted_loan),
    "bank_marketing_random": bank_marketing_random,
    "bank_marketing_quarters": bank_marketing_quarters,
    "bank_marketing_fifths": bank_marketing_fifths,
    "caravan": caravan,
}


@lru_cache(maxsize=2)
def task(sources: Sources, name: str, seeds: int) -> Task:
    """Kept per process, so that a worker reads a set once."""
    return BUILDERS[name](sources, seeds)
