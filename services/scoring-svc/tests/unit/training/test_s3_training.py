"""S3, S6: models trained on a table are calibrated, explained, reproducible, and kept without pickle."""

import hashlib
import json

import numpy as np
import pytest
import skops.io
from scoring_svc.training import metrics
from scoring_svc.training.artefact import UnreadableModel, load_model, save_model
from scoring_svc.training.estimators import Kind
from scoring_svc.training.model import train
from scoring_svc.training.table import InvalidFile, Table, binary, read_raw, typed
from scoring_svc.training.validation import judge_folds, out_of_time, repeated_folds
from sklearn.metrics import average_precision_score, roc_auc_score


def _book(rows: int = 600) -> tuple[Table, np.ndarray, np.ndarray]:
    """A balance and a segment that matter, a figure that does not; the true probabilities."""
    draws = np.random.default_rng(7)
    balance, noise = draws.normal(size=rows), draws.normal(size=rows)
    segment = draws.choice(["mass", "affluent"], size=rows)
    probability = 1 / (1 + np.exp(1 - 1.5 * balance - 1.2 * (segment == "affluent")))
    return Table({"balance": balance, "segment": segment, "noise": noise}), draws.random(rows) < probability, probability


@pytest.mark.parametrize("kind", [Kind.LOGISTIC, Kind.BOOSTED_TREES])
def test_s6_a_kept_model_predicts_to_the_bit_what_it_did(tmp_path, kind) -> None:
    table, outcome, _ = _book()
    model = train(table, outcome, kind)
    save_model(model, tmp_path, "# card\n")
    assert np.array_equal(load_model(tmp_path).probability(table), model.probability(table))
    assert np.array_equal(train(table, outcome, kind).probability(table), model.probability(table))


def test_s6_a_model_whose_files_do_not_belong_together_is_refused(tmp_path) -> None:
    table, outcome, _ = _book()
    save_model(train(table, outcome), tmp_path, "")
    text = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**text, "members_sha256": "0" * 64}))
    with pytest.raises(UnreadableModel, match="do not belong together"):
        load_model(tmp_path)


class Stranger:
    """Of a type that no model is made of."""


def test_s6_a_model_of_types_that_are_not_trusted_is_refused(tmp_path) -> None:
    table, outcome, _ = _book()
    save_model(train(table, outcome), tmp_path, "")
    members = skops.io.dumps([Stranger()])
    text = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**text, "members_sha256": hashlib.sha256(members).hexdigest()}))
    (tmp_path / "members.skops").write_bytes(members)
    with pytest.raises(UnreadableModel, match=r"not trusted: .*Stranger"):
        load_model(tmp_path)


def test_s3_contributions_of_a_logistic_model_add_up_to_its_log_odds() -> None:
    table, outcome, _ = _book()
    model = train(table, outcome)
    assert np.allclose(model.base + model.contributions(table).sum(axis=1), model.log_odds(table), atol=1e-9)


@pytest.mark.parametrize("kind", [Kind.LOGISTIC, Kind.BOOSTED_TREES])
def test_s3_reasons_name_what_matters_in_both_languages(kind) -> None:
    table, outcome, _ = _book()
    row = int(np.argmax(table.columns["balance"]))
    first = train(table, outcome, kind).reasons(table.take(np.array([row])))[0][0]
    assert first.column == "balance"
    assert first.log_odds > 0
    assert "raises the odds" in first.text.en
    assert "典型值" in first.text.zh


def test_s3_probabilities_are_calibrated_on_rows_not_seen() -> None:
    table, outcome, truth = _book(3000)
    seen = np.arange(3000) < 2000
    predicted = train(table.take(seen), outcome[seen]).probability(table.take(~seen))
    assert np.abs(predicted - truth[~seen]).mean() < 0.05
    assert metrics.calibration_error(metrics.calibration(outcome[~seen], predicted)) < 0.06


def test_s3_auc_and_average_precision_agree_with_their_definitions() -> None:
    draws = np.random.default_rng(3)
    outcome, score = draws.random(500) < 0.2, draws.integers(0, 20, 500).astype(float)
    assert metrics.auc(outcome, score) == pytest.approx(roc_auc_score(outcome, score))
    assert metrics.average_precision(outcome, score) == pytest.approx(average_precision_score(outcome, score))
    assert 0.02 < metrics.auc_standard_error(outcome, score) < 0.05


def test_s3_folds_hold_every_row_out_once_per_seed() -> None:
    table, outcome, _ = _book()
    splits = repeated_folds(outcome, folds=3, seeds=range(2))
    for seed in range(2):
        unseen = np.concatenate([split.unseen for split in splits if split.seed == seed])
        assert sorted(unseen.tolist()) == list(range(600))
    judged = judge_folds(table, outcome, Kind.LOGISTIC, splits)
    assert judged.auc.low < judged.auc.value < judged.auc.high
    assert "not a test over time" in judged.protocol


def test_s3_an_out_of_time_split_trains_only_on_earlier_days() -> None:
    day = np.array([5, 1, 2, 5, 3, 4, 5, 1])
    split = out_of_time(day)
    assert day[split.seen].max() < day[split.unseen].min()
    with pytest.raises(InvalidFile, match="one date"):
        out_of_time(np.array([3, 3, 3]))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a,b\n1,2\n3\n", 3, "b"),
        ("a,b\n1,2,3\n", 2, None),
        ("a,a\n1,2\n", 1, "a"),
        ("a,b\n", 1, None),
        ("a\n" + "1\n" * 20 + "x\n", 22, "a"),
    ],
)
def test_s3_a_bad_file_is_told_with_line_and_column(text, line, column) -> None:
    with pytest.raises(InvalidFile) as caught:
        typed(read_raw(text.splitlines(keepends=True)))
    assert (caught.value.line, caught.value.column) == (line, column)


def test_s3_a_label_with_a_third_value_is_refused_where_it_stands() -> None:
    raw = read_raw(["x,left\n", "1,yes\n", "2,no\n", "3,perhaps\n"])
    with pytest.raises(InvalidFile, match='line 4, column "left"'):
        binary(raw, "left")


@pytest.mark.parametrize("shuffle", range(3))
def test_s3_equal_predictions_share_a_bin_of_the_calibration_in_any_order(shuffle) -> None:
    order = np.random.default_rng(shuffle).permutation(10)
    probability = np.array([0.1] * 5 + [0.2] + [0.9] * 4)[order]
    outcome = np.array([True, False, False, False, False, False, True, True, True, False])[order]
    bins = metrics.calibration(outcome, probability, bins=3)
    assert [(part.rows, part.predicted, part.observed.value) for part in bins] == [
        (5, pytest.approx(0.1), 0.2),
        (5, pytest.approx(0.76), 0.6),
    ]
