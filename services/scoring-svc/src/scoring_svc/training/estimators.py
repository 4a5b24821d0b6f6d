"""The kinds of model, what is tuned of each, and fitting one. Deterministic for one seed; one thread."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from scoring_svc.training.encoder import Encoder
from scoring_svc.training.metrics import Outcomes
from scoring_svc.training.table import Floats, Table

Setting = Mapping[str, float]


class Kind(StrEnum):
    LOGISTIC = "logistic"
    BOOSTED_TREES = "boosted_trees"
    LIGHTGBM = "lightgbm"


class KindUnavailable(RuntimeError):
    """A kind of model whose library is missing on this machine; the message says what to install."""


SETTINGS: Final[Mapping[Kind, tuple[Setting, ...]]] = {
    Kind.LOGISTIC: ({"C": 0.02}, {"C": 0.1}, {"C": 0.5}),
    Kind.BOOSTED_TREES: ({"max_leaf_nodes": 8, "max_iter": 150}, {"max_leaf_nodes": 5, "max_iter": 100}),
    Kind.LIGHTGBM: ({"num_leaves": 8, "n_estimators": 150}, {"num_leaves": 5, "n_estimators": 100}),
}
"""What tuning chooses from: the regularisation of the linear model, the size of the trees."""

_MEMBERS: Final[Mapping[Kind, int]] = {Kind.LOGISTIC: 1, Kind.BOOSTED_TREES: 3, Kind.LIGHTGBM: 3}
_SHARE_OF_COLUMNS: Final = 0.5


def matrix(kind: Kind, encoder: Encoder, table: Table) -> Floats:
    return encoder.terms(table) if kind is Kind.LOGISTIC else encoder.plain(table)


def fit(
    kind: Kind, setting: Setting, data: Floats, outcome: Outcomes, categories: NDArray[np.bool_], seed: int, *, members: int = 0
) -> tuple[Any, ...]:
    """Fit the members of one model; trees are several, with columns drawn by different seeds, which steadies their mean."""
    return tuple(
        _BUILDERS[kind](setting, categories, seed * 101 + member).fit(data, outcome)
        for member in range(members or _MEMBERS[kind])
    )


def log_odds(members: tuple[Any, ...], data: Floats) -> Floats:
    """The mean log-odds of the members, kept within ±15."""
    probabilities = (np.clip(member.predict_proba(data)[:, 1], 3e-7, 1 - 3e-7) for member in members)
    return np.asarray(np.mean([np.log(p / (1 - p)) for p in probabilities], axis=0), dtype=np.float64)


def _logistic(setting: Setting, _categories: NDArray[np.bool_], _seed: int) -> Any:
    return LogisticRegression(C=setting["C"], max_iter=2000)


def _boosted_trees(setting: Setting, _categories: NDArray[np.bool_], seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_leaf_nodes=int(setting["max_leaf_nodes"]),
        max_iter=int(setting["max_iter"]),
        min_samples_leaf=30,
        l2_regularization=5.0,
        max_features=_SHARE_OF_COLUMNS,
        early_stopping=False,
        categorical_features=None,  # codes ordered by frequency do; its own encoder could only be kept by trusting functools.partial
        random_state=seed,
    )


def _lightgbm(setting: Setting, categories: NDArray[np.bool_], seed: int) -> Any:
    try:
        from lightgbm import LGBMClassifier
    except ImportError as error:
        raise KindUnavailable(
            "The kind lightgbm needs the extra: pip install 'scoring-svc[lightgbm]'. The kind boosted_trees needs nothing."
        ) from error
    except OSError as error:
        raise KindUnavailable(
            f"lightgbm is installed, but a system library is missing ({error}); on Debian: apt-get install libgomp1. "
            "The kind boosted_trees needs nothing."
        ) from error
    return LGBMClassifier(
        learning_rate=0.05,
        num_leaves=int(setting["num_leaves"]),
        n_estimators=int(setting["n_estimators"]),
        min_child_samples=30,
        reg_lambda=5.0,
        colsample_bytree=_SHARE_OF_COLUMNS,
        categorical_feature=np.flatnonzero(categories).tolist() or "auto",
        random_state=seed,
        n_jobs=1,
        verbose=-1,
        deterministic=True,
    )


_BUILDERS: Final[Mapping[Kind, Callable[[Setting, NDArray[np.bool_], int], Any]]] = {
    Kind.LOGISTIC: _logistic,
    Kind.BOOSTED_TREES: _boosted_trees,
    Kind.LIGHTGBM: _lightgbm,
}
