"""Train a model, ask it for a probability with its reasons, and keep it as text and skops files (never pickle)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from guanxi_common.errors import Text
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from scoring_svc.training import estimators
from scoring_svc.training.encoder import Encoder, learn
from scoring_svc.training.estimators import Kind, Setting
from scoring_svc.training.metrics import Outcomes, log_loss
from scoring_svc.training.table import Floats, InvalidFile, Table

INNER_FOLDS: Final = 3
MIN_OF_EACH: Final = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's: calibrated log-odds = intercept + slope × the model's."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one column does to one prediction, in log-odds (0.7 doubles the odds), and in words."""

    column: str
    log_odds: float
    text: Text


@dataclass(frozen=True)
class Model:
    """A trained and calibrated model. `rows` and `positives` are those of the training; `base` the mean calibrated log-odds."""

    kind: Kind
    setting: Setting
    encoder: Encoder
    members: tuple[Any, ...]
    calibration: Calibration
    centre: Floats
    base: float
    rows: int
    positives: int
    seed: int

    def log_odds(self, table: Table) -> Floats:
        data = estimators.matrix(self.kind, self.encoder, table)
        return self._calibrated(data)

    def probability(self, table: Table) -> Floats:
        return np.asarray(expit(self.log_odds(table)), dtype=np.float64)

    def contributions(self, table: Table) -> Floats:
        """(rows, columns) in calibrated log-odds.

        Logistic: exact, `base` plus a row's sum is its log-odds. Trees: by how much the log-odds would fall if the column alone
        had its typical value; columns that act together make the sum differ.
        """
        if self.kind is Kind.LOGISTIC:
            weighted = (self.encoder.terms(table) - self.centre) * (self.members[0].coef_[0] * self.calibration.slope)
            parts = np.zeros((table.rows, len(self.encoder.columns)))
            np.add.at(parts.T, self.encoder.owners(), weighted.T)
            return parts
        data = self.encoder.plain(table)
        whole = self._calibrated(data)
        parts = np.empty_like(data)
        for column, typical in enumerate(self.encoder.typical):
            changed = data.copy()
            changed[:, column] = typical
            parts[:, column] = whole - self._calibrated(changed)
        return parts

    def reasons(self, table: Table, *, most: int = 3) -> tuple[tuple[Contribution, ...], ...]:
        """Per row the columns that move its prediction most, the strongest first."""
        parts, data = self.contributions(table), self.encoder.plain(table)
        order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :most]
        return tuple(
            tuple(
                _in_words(self.encoder, int(column), float(data[row, column]), float(parts[row, column]))
                for column in order[row]
                if parts[row, column]
            )
            for row in range(table.rows)
        )

    def _calibrated(self, data: Floats) -> Floats:
        with threadpool_limits(limits=1):
            raw = estimators.log_odds(self.members, data)
        return self.calibration.intercept + self.calibration.slope * raw


def train(table: Table, outcome: Outcomes, kind: Kind = Kind.LOGISTIC, *, seed: int = 0) -> Model:
    """Choose the setting and the calibration by folds inside these rows, then fit on all of them.

    Raises `InvalidFile` with fewer than ten rows of either outcome, `KindUnavailable` where the kind's library is missing.
    """
    positives = int(outcome.sum())
    if min(positives, outcome.size - positives) < MIN_OF_EACH:
        raise InvalidFile(f"{positives} of {outcome.size} rows are positive; training needs {MIN_OF_EACH} of each outcome")
    encoder = learn(table)
    data = estimators.matrix(kind, encoder, table)
    categories = encoder.is_category
    with threadpool_limits(limits=1):
        held_out = {index: _held_out(kind, setting, table, outcome, seed) for index, setting in _settings(kind).items()}
        best = min(held_out, key=lambda index: log_loss(outcome, held_out[index]))
        setting = _settings(kind)[best]
        calibration = _calibrate(outcome, held_out[best])
        members = estimators.fit(kind, setting, data, outcome, categories, seed)
        raw = estimators.log_odds(members, data)
    base = calibration.intercept + calibration.slope * float(raw.mean())
    centre = data.mean(axis=0) if kind is Kind.LOGISTIC else np.zeros(0)
    return Model(kind, setting, encoder, members, calibration, centre, base, outcome.size, positives, seed)


def _settings(kind: Kind) -> Mapping[int, Setting]:
    return dict(enumerate(estimators.SETTINGS[kind]))


def _held_out(kind: Kind, setting: Setting, table: Table, outcome: Outcomes, seed: int) -> Floats:
    """Log-odds of every row by a model that did not see it, its encoder included."""
    predicted = np.empty(outcome.size)
    folds = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    for seen, unseen in folds.split(np.zeros(outcome.size), outcome):
        encoder = learn(table.take(seen))
        data = estimators.matrix(kind, encoder, table)
        members = estimators.fit(kind, setting, data[seen], outcome[seen], encoder.is_category, seed, members=1)
        predicted[unseen] = estimators.log_odds(members, data[unseen])
    return predicted


def _calibrate(outcome: Outcomes, raw: Floats) -> Calibration:
    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(raw[:, None], outcome)
    slope = float(fitted.coef_[0, 0])
    if slope > 0:
        return Calibration(slope, float(fitted.intercept_[0]))
    # Held out, the model orders no better than chance: every row gets the base rate.
    share = float(outcome.mean())
    return Calibration(0.0, float(np.log(share / (1 - share))))


def _in_words(encoder: Encoder, index: int, value: float, part: float) -> Contribution:
    column = encoder.columns[index]
    is_, typical = column.say(value), column.say(column.typical)
    odds = float(np.exp(abs(part)))
    text = (
        Text(
            f"{column.name} is {is_.en} (typical: {typical.en}): raises the odds {odds:.2f}-fold.",
            f"{column.name}为{is_.zh}（典型值：{typical.zh}），使几率升至{odds:.2f}倍。",
        )
        if part > 0
        else Text(
            f"{column.name} is {is_.en} (typical: {typical.en}): lowers the odds {odds:.2f}-fold.",
            f"{column.name}为{is_.zh}（典型值：{typical.zh}），使几率降至1/{odds:.2f}。",
        )
    )
    return Contribution(column.name, part, text)
