"""The model card of a version, in markdown: what it is for, what it rests on, how it did, and what it must not be used for."""

from collections.abc import Mapping
from typing import Any

from scoring_svc.features.policy import FeatureStandard
from scoring_svc.training.card import back_test, influence
from scoring_svc.training.fitting import Fitted


def card_of(title: str, training: Mapping[str, Any], fitted: Fitted, standard: FeatureStandard) -> str:
    """`training` is the description that is kept with the version."""
    model = fitted.model
    lines = [
        f"# {title}",
        "",
        "Retention risk (客户流失风险): the probability that a customer leaves within the horizon, for ranking and for a talk with the",
        "customer. Not for credit, pricing or closing an account. Contacts are not in the model: their stated contribution comes on top.",
        "",
        "| | |",
        "|---|---|",
        f"| Label | `{training['label']}` within {training['horizon_days']} days after the cut |",
        f"| Kind | {model.kind.value}, {', '.join(f'{name} {value:g}' for name, value in model.setting.items())}; seed {model.seed} |",
        f"| Cuts of the training | {', '.join(training['train_cuts'])} |",
        f"| Training rows | {model.rows}, of which {model.positives} positive ({100 * model.positives / model.rows:.1f} %) |",
        f"| Currencies | {', '.join(training['currencies'])} |",
        f"| Shortest history | {training['min_history_days']} days; a younger customer is scored by the rules |",
        (
            f"| Standards | features and labels {training['features_version']}, activity classes {training['classes_version']},"
            f" income {training['signals_version']} |"
        ),
        f"| BG/NBD inside | {'fitted at the first cut' if training['rhythm'] else 'none: the fit was refused'} |",
        (
            f"| Features | {len(model.encoder.names)}; without variation and left out: {len(model.encoder.left_out)};"
            f" never shown: {', '.join(training['left_out'])} |"
        ),
        "",
        "## Back-test",
        "",
        *back_test(fitted),
        "",
        "## What moves it",
        "",
        *influence(fitted, standard.word),
        "",
        "## Limits",
        "",
        "- Labels are what a bank can see: money and acts that go elsewhere. Why a customer leaves is not in them.",
        "- Back-test and training may hold the same customers at different dates; out of time is not out of the book.",
        "- It was trained with the knowledge of the day of the training: postings that came late are in it.",
        "- Figures of few positives have wide intervals; the interval counts, not the figure.",
    ]
    return "\n".join(lines) + "\n"
