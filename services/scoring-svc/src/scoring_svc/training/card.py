"""The model card of a model trained on a user's own file, in markdown."""

from collections.abc import Callable
from typing import Final

from guanxi_common.errors import Text

from scoring_svc.training.fitting import Fitted
from scoring_svc.training.metrics import calibration_error
from scoring_svc.training.model import Model
from scoring_svc.training.validation import Judgement


def card_of(model: Model, label: str, judgements: tuple[Judgement, ...], influence: dict[str, float]) -> str:
    """`influence` is the mean absolute contribution of each column in log-odds; `judgements` are on rows not seen."""
    setting = ", ".join(f"{name} {value:g}" for name, value in model.setting.items())
    lines = [
        f"# Model of “{label}”",
        "",
        "| | |",
        "|---|---|",
        f"| Kind | {model.kind.value}, {setting}; seed {model.seed} |",
        f"| Training rows | {model.rows:,}, of which {model.positives:,} positive ({100 * model.positives / model.rows:.1f} %) |",
        f"| Columns | {len(model.encoder.names)}: {', '.join(model.encoder.names)} |",
        f"| Left out (one value only, or nearly every row another) | {', '.join(model.encoder.left_out) or 'none'} |",
        "| Calibration | Platt's, on folds inside the training rows |",
        "",
        "## On rows not seen",
        "",
        *(line for judged in judgements for line in _judgement(judged)),
        "## What moves it",
        "",
        "Mean contribution to the log-odds over the training rows.",
        "",
        "| Column | Log-odds |",
        "|---|---:|",
        *(f"| {name} | {value:.3f} |" for name, value in influence.items()),
        "",
        "## Limits",
        "",
        "- A column that is known only after the label has come about makes every figure here worthless; the file cannot tell.",
        "- Random folds say nothing about how the model fares later: where rows have dates, only the out-of-time figure counts.",
        "- Reasons say what moves the prediction, not what causes the outcome.",
    ]
    return "\n".join(lines) + "\n"


def _judgement(judged: Judgement) -> list[str]:
    return [
        f"{judged.protocol[0].upper()}{judged.protocol[1:]}: {judged.rows:,} rows, {judged.positives:,} positive.",
        "",
        "| Figure | Value and 95 % interval |",
        "|---|---|",
        f"| AUC | {judged.auc} |",
        f"| Average precision (base rate {judged.base_rate:.3f}) | {judged.average_precision} |",
        f"| Brier score | {judged.brier:.4f} |",
        f"| Expected calibration error | {calibration_error(judged.calibration):.4f} |",
        "",
        "| Rows | Predicted | Observed |",
        "|---:|---:|---|",
        *(f"| {part.rows:,} | {part.predicted:.3f} | {part.observed} |" for part in judged.calibration),
        "",
    ]


_MOST: Final = 12


def influence(fitted: Fitted, word: Callable[[str], Text]) -> list[str]:
    """The strongest features as a table."""
    return [
        "Mean share of the log-odds over the training rows, the strongest first.",
        "",
        "| Feature | | Share |",
        "|---|---|---:|",
        *(f"| {word(name).en} | {word(name).zh} | {share:.3f} |" for name, share in list(fitted.influence.items())[:_MOST]),
    ]


def back_test(fitted: Fitted) -> list[str]:
    """The figures and the calibration, or why there are none."""
    judged = fitted.judgement
    if judged is None:
        return [f"None: {fitted.no_judgement}."]
    bins = [
        f"| {part.rows} | {part.predicted:.3f} | {part.observed.value:.3f} | {part.observed.low:.3f} to {part.observed.high:.3f} |"
        for part in judged.calibration
    ]
    return [
        f"{judged.protocol[0].upper()}{judged.protocol[1:]}: {judged.rows} rows, {judged.positives} positive.",
        "",
        "| Figure | Value | 95 % interval |",
        "|---|---:|---|",
        f"| AUC | {judged.auc.value:.3f} | {judged.auc.low:.3f} to {judged.auc.high:.3f} |",
        (
            f"| Average precision (base rate {judged.base_rate:.3f}) | {judged.average_precision.value:.3f} |"
            f" {judged.average_precision.low:.3f} to {judged.average_precision.high:.3f} |"
        ),
        f"| Brier score | {judged.brier:.4f} | |",
        f"| Expected calibration error | {calibration_error(judged.calibration):.4f} | |",
        "",
        "| Rows | Predicted | Observed | 95 % interval |",
        "|---:|---:|---:|---|",
        *bins,
    ]
