"""The third party's aggregates at the cut of 1997-12-31, with ratios and trends; and the labels of decline in 1998 (S3, S4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from scoring_svc.evaluation.berka_features import FUTURE, LAST_CUT, Bank, Sample, granted_loan, issued_card, static_features
from scoring_svc.evaluation.sources import Sources
from scoring_svc.training.metrics import Outcomes
from scoring_svc.training.table import Column, Floats, Ints, Table, typed

LOWEST_SHARE: Final = 0.1
ACTIVITY_LEFT: Final = 0.8
RFM: Final = ("tx_count_per_year", "tx_count_1997", "tx_amount_mean", "tenure_days")
"""What a reading by frequency and amount alone would take: no balance, no product."""
_YEAR_START: Final = date(1997, 1, 1).toordinal()


@dataclass(frozen=True)
class Aggregates:
    """4,057 accounts: features known at the cut, and two labels. A label is NaN-free only where `has_balance` holds."""

    accounts: Ints
    features: Table
    balance_fell: Outcomes
    activity_fell: Outcomes
    has_balance: Outcomes
    opened_before_1997: Outcomes


def read_aggregates(sources: Sources, bank: Bank) -> Aggregates:
    table = typed(sources.table("berka_derived/features.csv.xz"), leave_out=FUTURE)
    labels = typed(sources.table("berka_derived/churn_labels.csv.xz")).columns
    accounts = table.columns["account_id"].astype(np.int64)
    if not np.array_equal(accounts, labels["account_id"].astype(np.int64)):
        raise ValueError("features and labels are in another order")
    known = static_features(bank, accounts, LAST_CUT.toordinal())
    own = table.without(("account_id", "district_id", "frequency", "tenure_days"))
    before = {name: labels[name] for name in ("tx_count_obs_avg_per_year", "tx_count_1997", "avg_balance_obs")}
    ratio = labels["balance_ratio"]
    lowest = np.nanquantile(ratio, LOWEST_SHARE)
    opened = np.array([bank.opened[a] for a in accounts.tolist()])
    return Aggregates(
        accounts,
        Table({**known.columns, **own.columns, **before, **_ratios(own.columns, before, opened)}),
        balance_fell=ratio <= lowest,
        activity_fell=labels["tx_count_label"] <= ACTIVITY_LEFT * labels["tx_count_1997"],
        has_balance=~np.isnan(ratio),
        opened_before_1997=opened < _YEAR_START,
    )


def samples(aggregates: Aggregates, bank: Bank) -> Mapping[str, Sample]:
    """The four labels of Berka, each with the accounts that it is defined for, by name of the task."""
    whole = Sample(aggregates.accounts, aggregates.features, aggregates.balance_fell)
    activity = Sample(aggregates.accounts, aggregates.features, aggregates.activity_fell)
    cut = LAST_CUT.toordinal()
    return {
        "a1": whole.take(aggregates.has_balance),
        "a2": activity.take(aggregates.opened_before_1997),
        "card": _with_aggregates(aggregates, issued_card(bank, cut)),
        "loan": _with_aggregates(aggregates, granted_loan(bank, cut)),
    }


def _with_aggregates(aggregates: Aggregates, sample: Sample) -> Sample:
    """The sample's accounts that have aggregates, with all of their features."""
    _, rows, own = np.intersect1d(aggregates.accounts, sample.accounts, return_indices=True)
    return Sample(aggregates.accounts[rows], aggregates.features.take(rows), sample.outcome[own])


def _ratios(own: Mapping[str, Column], before: Mapping[str, Column], opened: Ints) -> dict[str, Column]:
    """The last balance against the usual one, this year's activity against the years before, turnover against balance."""
    days = np.array([date.fromordinal(day).month for day in opened.tolist()], dtype=np.float64)
    return {
        "balance_last_to_mean": _divide(own["balance_last"], own["balance_mean"]),
        "balance_last_to_observed": _divide(own["balance_last"], before["avg_balance_obs"]),
        "balance_observed_to_mean": _divide(before["avg_balance_obs"], own["balance_mean"]),
        "activity_1997_to_usual": _divide(before["tx_count_1997"], own["tx_count_per_year"]),
        "amount_variation": _divide(own["tx_amount_std"], own["tx_amount_mean"]),
        "turnover_to_balance": _divide(own["tx_amount_mean"] * own["tx_count_per_year"], own["balance_mean"]),
        "opened_in_month": days,
    }


def _divide(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(above.size, np.nan), where=below != 0), dtype=np.float64)
