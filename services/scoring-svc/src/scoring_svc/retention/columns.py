"""The rule-based retention risk of many customers at once, as `policy.retention_risk` gives it to the point. Pure.

For customers without a contact that counts: then no limit applies, and every reason raises the risk. All arithmetic is on integers of
eight bytes, so amounts may be 9 * 10^14 minor units at most.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring_svc.retention.policy import FULL_RISK_BP, Code, Ramp, RetentionStandard

Ints = NDArray[np.int64]
Columns = Mapping[str, NDArray[Any]]

NONE: Final = -1
"""Stands for what is not there, in columns that are never negative."""

RULES: Final = tuple(
    sorted(
        (
            Code.ACTIVITY_DECLINE,
            Code.BALANCE_DECLINE,
            Code.DROPPED_OUT,
            Code.INCOME_STOPPED,
            Code.NET_OUTFLOW,
            Code.SILENCE,
        )
    )
)
"""By code: of equal contributions the first is the main reason, as `policy` ranks them."""

BANDS: Final = ("low", "medium", "high")


def risks(columns: Columns, currency: Ints, currencies: Sequence[str], standard: RetentionStandard) -> tuple[Ints, Ints, Ints]:
    """The risk in basis points, the band as an index of `BANDS`, and the main reason as one of `RULES` (`NONE`: nothing raises it).

    `columns` are those of `RetentionInputs` by name; `currency` indexes `currencies`.
    """
    points = _points(columns, currency, currencies, standard)
    value: Ints = points.sum(axis=0)
    main: Ints = np.where(value > 0, points.argmax(axis=0), NONE)
    band: Ints = np.searchsorted(np.array([standard.medium_from_bp, standard.high_from_bp]), value, side="right")
    return value, band, main


def _points(columns: Columns, currency: Ints, currencies: Sequence[str], standard: RetentionStandard) -> Ints:
    """One row for each of `RULES`."""
    compares = columns["history_days"] >= standard.min_history_days
    before, balance, usual = columns["acts_before"], columns["balance_minor"], columns["median_balance_minor"]
    outflow, income, alive = columns["outflow_minor"], columns["income_overdue_days"], columns["p_alive_bp"]
    balance_floor = _floors(standard.min_balance_minor, currencies)[currency]
    outflow_floor = _floors(standard.min_outflow_minor, currencies)[currency]
    silent = columns["silent_days"]
    found = {
        Code.ACTIVITY_DECLINE: (
            _ramp(standard.activity_decline_bp, _decline(before, columns["acts_recent"])),
            compares & (before >= max(standard.min_acts_before, 1)),
        ),
        Code.BALANCE_DECLINE: (
            _ramp(standard.balance_decline_bp, _decline(usual, balance)),
            compares & (usual >= balance_floor),
        ),
        Code.NET_OUTFLOW: (_ramp(standard.net_outflow_bp, _decline(outflow, columns["inflow_minor"])), outflow >= outflow_floor),
        Code.INCOME_STOPPED: (_ramp(standard.income_overdue_days, income), income != NONE),
        Code.SILENCE: (_ramp(standard.silent_days, silent), silent != NONE),
        Code.DROPPED_OUT: (_ramp(standard.dropped_out_bp, FULL_RISK_BP - alive), alive != NONE),
    }
    points = np.empty((len(RULES), before.size), dtype=np.int64)
    for index, code in enumerate(RULES):
        np.multiply(*found[code], out=points[index])
    return points


def _floors(by_currency: Mapping[str, int], currencies: Sequence[str]) -> Ints:
    return np.array([max(by_currency.get(currency, 1), 1) for currency in currencies], dtype=np.int64)


def _ramp(ramp: Ramp, measure: Ints) -> Ints:
    rise = np.clip(measure - ramp.start, 0, ramp.full - ramp.start)
    rise *= ramp.weight_bp
    rise //= ramp.full - ramp.start
    return rise


def _decline(before: Ints, now: Ints) -> Ints:
    """As `policy._decline_bp`; of no meaning where `before` is not positive."""
    fall = np.maximum(before - np.maximum(now, 0), 0)
    fall *= FULL_RISK_BP
    fall //= np.maximum(before, 1)
    return fall
