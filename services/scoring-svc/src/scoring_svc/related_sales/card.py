"""The card of a propensity model, in markdown: what it is for, what it rests on, how it did out of time, what it must not be used for."""

from collections.abc import Mapping
from typing import Any

from scoring_svc.features.policy import FeatureStandard
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.training.card import back_test, influence
from scoring_svc.training.fitting import Fitted


def card_of(title: str, training: Mapping[str, Any], fitted: Fitted, standard: PropensityStandard, words: FeatureStandard) -> str:
    """`training` is the description that is kept with the version."""
    model = fitted.model
    lines = [
        f"# {title}",
        "",
        f"Propensity (购买倾向): the probability that a customer who does not hold `{training['product_code']}` takes it up within the",
        "horizon, for ranking what to speak of. Not for granting credit, pricing, or refusing anybody anything.",
        "",
        "| | |",
        "|---|---|",
        (
            f"| Label | `{training['label']}`: an account of {', '.join(f'`{code}`' for code in training['account_codes'])} is opened"
            f" within {training['horizon_days']} days after the cut |"
        ),
        "| Customers | eligible for the product at the cut, and not holding it |",
        f"| Kind | {model.kind.value}, {', '.join(f'{name} {value:g}' for name, value in model.setting.items())}; seed {model.seed} |",
        f"| Cuts of the training | {', '.join(training['train_cuts'])} |",
        f"| Training rows | {model.rows}, of which {model.positives} positive ({100 * model.positives / model.rows:.1f} %) |",
        f"| Currencies | {', '.join(training['currencies'])} |",
        f"| Shortest history | {training['min_history_days']} days; a younger customer has the rule's propensity |",
        f"| Standards | propensity {training['propensity_version']}, activity classes {training['classes_version']} |",
        (
            f"| Features | {len(model.encoder.names)}; without variation and left out: {len(model.encoder.left_out)};"
            f" never shown: {', '.join(training['left_out'])} |"
        ),
        "",
        "## Back-test",
        "",
        *back_test(fitted),
        *_beside_the_rule(training),
        "",
        "## What moves it",
        "",
        *influence(fitted, lambda name: standard.word(name, words)),
        "",
        "## Limits",
        "",
        "- Who took a product up is who was offered it, and was granted it: the bank's own choices of the past are in the label.",
        "- The product's conditions are today's; who was eligible at a cut is judged by them.",
        "- Back-test and training may hold the same customers at different dates; out of time is not out of the book.",
        "- It was trained with the knowledge of the day of the training: postings that came late are in it.",
        "- Figures of few positives have wide intervals; the interval counts, not the figure.",
    ]
    return "\n".join(lines) + "\n"


def _beside_the_rule(training: Mapping[str, Any]) -> list[str]:
    """The rule that the model is to replace, on the same rows; where it orders better, the card says so."""
    rule = training["rule"]
    if rule is None:
        return []
    auc, precision = rule["auc"], rule["average_precision"]
    return [
        "",
        (
            f"The rule of the standard on the same rows: AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}), average"
            f" precision {precision['value']:.3f} ({precision['low']:.3f} to {precision['high']:.3f}). It is not told a risk of leaving."
        ),
    ]
