"""Maximum likelihood by Newton's method, and what a fit may answer: estimates with standard errors, or a refusal with its reason.

All parameters are positive and are searched on the log scale. The objectives give exact first and second derivatives, so that a
fit takes some ten evaluations, and the observed information comes with the last of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np

from scoring_svc.lifetime.sufficient import Floats

Derivatives = tuple[float, Floats, Floats]
"""Log-likelihood, its gradient and its Hessian in the parameters themselves."""
Objective = Callable[[Floats], Derivatives]

P = TypeVar("P")


class Refusal(StrEnum):
    """Why a fit gives no parameters. The last good model stays in use."""

    TOO_FEW_CUSTOMERS = "too_few_customers"
    TOO_FEW_REPEATING = "too_few_repeating"
    NOT_CONVERGED = "not_converged"
    PARAMETER_AT_BOUND = "parameter_at_bound"
    NOT_IDENTIFIED = "not_identified"
    INFINITE_MEAN = "infinite_mean"


@dataclass(frozen=True, slots=True)
class FitSettings:
    """When a fit is believed.

    `bound`: no parameter may leave [1/bound, bound] times its scale: beyond, the likelihood has a ridge and not a maximum (a
    bank account that never falls silent drives a and b of BG/NBD to 0). `max_relative_error`: no standard error may exceed this
    multiple of its estimate. `tolerance`: the gain in log-likelihood that a further step could still bring.
    """

    min_customers: int = 100
    min_repeating: int = 30
    max_iterations: int = 60
    tolerance: float = 1e-9
    bound: float = 1e4
    max_relative_error: float = 1.0


DEFAULT_SETTINGS = FitSettings()


@dataclass(frozen=True, slots=True)
class Fit(Generic[P]):
    """A maximum of the likelihood. `standard_errors` are those of the parameters, from the observed information."""

    parameters: P
    standard_errors: P
    log_likelihood: float
    customers: int
    iterations: int
    covariance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class FitRefused:
    """No usable maximum. `last` are the parameters where the search stood, for the log."""

    reason: Refusal
    text_en: str
    text_zh: str
    iterations: int = 0
    last: tuple[float, ...] = ()


def refuse_small(customers: int, repeating: int, settings: FitSettings) -> FitRefused | None:
    """The refusal of a set too small to fit, or None."""
    if customers < settings.min_customers:
        return FitRefused(
            Refusal.TOO_FEW_CUSTOMERS,
            f"{customers} customers; a fit needs {settings.min_customers}.",
            f"仅{customers}位客户，拟合至少需要{settings.min_customers}位。",
        )
    if repeating < settings.min_repeating:
        return FitRefused(
            Refusal.TOO_FEW_REPEATING,
            f"{repeating} customers with a repeat purchase; a fit needs {settings.min_repeating}.",
            f"仅{repeating}位客户有重复交易，拟合至少需要{settings.min_repeating}位。",
        )
    return None


def maximise(
    objective: Objective,
    build: Callable[..., P],
    names: tuple[str, ...],
    start: Floats,
    scale: Floats,
    customers: int,
    settings: FitSettings = DEFAULT_SETTINGS,
) -> Fit[P] | FitRefused:
    """Climb from `start` to the maximum, and build the fit or the refusal.

    `names` names the parameters in texts; `scale` is the natural size of each (1 for a shape, a time span for a rate). Each step
    solves with the eigenvalues of the Hessian made negative, so it goes uphill also where the likelihood is not concave, and is
    halved until the likelihood rises.
    """
    log_theta = np.log(start)
    value, gradient, hessian = _on_log_scale(objective, log_theta)
    log_bound = np.log(settings.bound)
    for iteration in range(1, settings.max_iterations + 1):
        step = _uphill_step(gradient, hessian)
        gain = float(gradient @ step) / 2
        if not np.isfinite(gain):
            break
        if gain < settings.tolerance:
            information = np.diag(gradient) - hessian
            return _conclude(build, names, np.exp(log_theta), value, information, customers, iteration, settings)
        log_theta, value, gradient, hessian = _climb(objective, log_theta, value, step, gain)
        outside = np.abs(log_theta - np.log(scale)) > log_bound
        if outside.any():
            name = names[int(np.argmax(outside))]
            return FitRefused(
                Refusal.PARAMETER_AT_BOUND,
                f"The likelihood keeps rising as {name} leaves its plausible range: the model does not fit these purchases.",
                f"参数{name}超出合理范围时似然仍在上升：该模型不适用于这些交易。",
                iteration,
                tuple(np.exp(log_theta).tolist()),
            )
    return FitRefused(
        Refusal.NOT_CONVERGED,
        f"No maximum within {settings.max_iterations} steps.",
        f"{settings.max_iterations}步内未收敛。",
        settings.max_iterations,
        tuple(np.exp(log_theta).tolist()),
    )


def _on_log_scale(objective: Objective, log_theta: Floats) -> Derivatives:
    theta = np.exp(log_theta)
    value, gradient, hessian = objective(theta)
    gradient = gradient * theta
    return value, gradient, hessian * np.outer(theta, theta) + np.diag(gradient)


def _uphill_step(gradient: Floats, hessian: Floats) -> Floats:
    if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        return np.full_like(gradient, np.nan)
    curvature, directions = np.linalg.eigh(-hessian)
    curvature = np.maximum(np.abs(curvature), 1e-8 * np.abs(curvature).max() + 1e-300)
    step: Floats = directions @ ((directions.T @ gradient) / curvature)
    longest = float(np.abs(step).max())
    # Far from the maximum a full Newton step on the log scale overshoots by orders of magnitude.
    return step if longest <= 2.0 else step * (2.0 / longest)


def _climb(
    objective: Objective, log_theta: Floats, value: float, step: Floats, gain: float
) -> tuple[Floats, float, Floats, Floats]:
    for _ in range(40):
        trial = log_theta + step
        found, gradient, hessian = _on_log_scale(objective, trial)
        # Rounding of a sum over a million customers must not stop the last steps.
        if np.isfinite(found) and found >= value + 1e-4 * gain - 1e-12 * abs(value):
            return trial, found, gradient, hessian
        step, gain = step / 2, gain / 2
    return log_theta, value, np.full_like(log_theta, np.nan), hessian


def _conclude(
    build: Callable[..., P],
    names: tuple[str, ...],
    theta: Floats,
    value: float,
    information: Floats,
    customers: int,
    iterations: int,
    settings: FitSettings,
) -> Fit[P] | FitRefused:
    """Judge a maximum; `information` is the observed information of the relative parameters, -θᵢθⱼ ∂²l/∂θᵢ∂θⱼ."""
    refused = FitRefused(
        Refusal.NOT_IDENTIFIED,
        f"The data do not determine {', '.join(names)} separately.",
        f"数据不足以分别确定{'、'.join(names)}。",
        iterations,
        tuple(theta.tolist()),
    )
    if np.linalg.eigvalsh(information).min() <= 0:
        return refused
    covariance = np.linalg.inv(information) * np.outer(theta, theta)
    errors = np.sqrt(np.diag(covariance))
    if np.any(errors > settings.max_relative_error * theta):
        return refused
    rows = tuple(tuple(row) for row in covariance.tolist())
    return Fit(build(*theta.tolist()), build(*errors.tolist()), float(value), customers, iterations, rows)
