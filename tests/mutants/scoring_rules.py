"""The rules of rankings, of the words of a contact and of the lineage of a score; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

SCORING: Final = "services/scoring-svc"
UPLIFT: Final = f"{SCORING}/tests/unit/training/test_s5_uplift.py"
LINEAGE: Final = f"{SCORING}/tests/integration/scores/test_8c_lineage.py"


def _scoring(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"scoring_svc/{file}", text, without, test, SCORING)


SCORING_RULES: Final = (
    _scoring(
        "rows ranked alike are one step",
        "training/uplift.py",
        "ends_of_ties(score[order]))",
        "np.arange(score.size))",
        f"{UPLIFT}::test_s5_rows_ranked_alike_are_one_step_of_the_qini_curve",
    ),
    _scoring(
        "the order of the file changes no figure",
        "training/uplift.py",
        "    sorted_rows = np.lexsort((*table.columns.values(), outcome, treated))\n",
        "    sorted_rows = np.arange(outcome.size)\n",
        f"{UPLIFT}::test_s5_a_trial_of_categories_without_effect_gives_the_same_figures_in_three_orders",
    ),
    _scoring(
        "equal predictions share a bin",
        "training/metrics.py",
        "    ends = ends_of_ties(probability[order])\n",
        "    ends = np.arange(probability.size)\n",
        f"{SCORING}/tests/unit/training/test_s3_training.py::test_s3_equal_predictions_share_a_bin_of_the_calibration_in_any_order",
    ),
    _scoring(
        "the words of a contact follow the record",
        "retention/policy.py",
        "contact.result, contact.effect)",
        'None, "strengthens" if left < 0 else "weakens")',
        f"{SCORING}/tests/unit/retention/test_s3_retention.py::test_8c_the_words_of_a_contact_follow_the_record_whatever_it_contributes",
    ),
    _scoring(
        "a reason names entries",
        "scores/policy.py",
        "        evidence=evidence,\n",
        "",
        f"{LINEAGE}::test_8c_every_reason_names_the_entries_it_rests_on_and_no_others",
    ),
    _scoring(
        "evidence is what was known then",
        "ledger/repository.py",
        "booked_on <= $3 AND recorded_at <= $4 AND booked_on > $5",
        "booked_on <= $3 AND $4::timestamptz IS NOT NULL AND booked_on > $5",
        f"{LINEAGE}::test_8c_evidence_is_what_was_known_then",
    ),
)
