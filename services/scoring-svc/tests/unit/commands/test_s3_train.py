"""S3, S4: `guanxi-scoring train` on a file of one's own: judged, explained, kept; a bad file is told with its line and column."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scoring_svc.commands.app import app
from scoring_svc.training.artefact import load_model
from scoring_svc.training.table import Table
from typer.testing import CliRunner


def _run(*arguments: object):
    return CliRunner().invoke(app, ["train", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    draws = np.random.default_rng(5)
    rows = ["client,balance,segment,seen_on,left"]
    for number in range(600):
        balance = draws.normal()
        left = draws.random() < 1 / (1 + np.exp(1 + 1.5 * balance))
        segment = draws.choice(["mass", "affluent"])
        day = date(2024, 1, 1) + timedelta(days=number)
        rows.append(f"c{number},{balance:.4f},{segment},{day.isoformat()},{'yes' if left else 'no'}")
    path = tmp_path_factory.mktemp("book") / "book.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_s3_train_prints_the_figures_with_reasons_and_keeps_the_model(book, tmp_path) -> None:
    result = _run(book, "--label", "left", "--leave-out", "seen_on", "--out", tmp_path / "model")
    assert result.exit_code == 0, result.output
    assert "not a test over time" in result.stdout
    assert "Average precision (base rate" in result.stdout
    assert "balance is" in result.stdout
    assert "典型值" in result.stdout
    card = (tmp_path / "model" / "card.md").read_text(encoding="utf-8")
    assert "| AUC | 0." in card
    assert "client" in card.split("Left out")[1].splitlines()[0]
    model = load_model(tmp_path / "model")
    low, high = model.probability(Table({"balance": np.array([-2.0, 2.0]), "segment": np.array(["mass", "mass"])}))
    assert low > high


def test_s4_train_with_dates_tests_on_the_later_rows_first(book, tmp_path) -> None:
    result = _run(
        book, "--label", "left", "--date", "seen_on", "--leave-out", "client", "--out", tmp_path, "--kind", "boosted_trees"
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.index("out of time") < result.stdout.index("random folds")
    assert "Out of time: trained on the earlier rows" in (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "seen_on" not in load_model(tmp_path).encoder.names


def test_s3_train_prints_a_column_named_like_markup_as_it_stands(tmp_path) -> None:
    draws = np.random.default_rng(9)
    value = draws.normal(size=200)
    lines = [f"{v:.3f},{int(v + draws.normal() > 0)}" for v in value]
    path = tmp_path / "book.csv"
    path.write_text("[/b],left\n" + "\n".join(lines) + "\n", encoding="utf-8")
    result = _run(path, "--label", "left", "--out", tmp_path / "model")
    assert result.exit_code == 0, result.output
    assert "│ [/b]" in result.stdout


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("a,left\n1,yes\n2,perhaps\n3,no\n", (), 'line 4, column "left": a third value'),
        ("a,left\n1,yes\n2\n", (), 'line 3, column "left": the row ends here'),
        ("a,left\n1,yes\n2,\n", (), 'line 3, column "left": a value is missing'),
        ("a,left\n1,yes\n2,no\n", (), "1 of 2 rows are positive"),
        ("a,lost\n1,yes\n", (), 'line 1, column "left": no such column'),
        ("a,left\n" + "1,yes\n2,no\n" * 12 + "x,no\n", (), 'line 26, column "a": not a number'),
        ("a,d,left\n1,2024-02-30,yes\n2,2024-02-01,no\n", ("--date", "d"), 'line 2, column "d": not a date'),
        ("", (), "line 1: no header"),
    ],
)  # fmt: skip
def test_s3_train_tells_what_is_wrong_with_a_file(tmp_path, text, arguments, message) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    result = _run(path, "--label", "left", "--out", tmp_path / "model", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "model").exists()


def test_s3_train_tells_that_a_file_is_missing(tmp_path) -> None:
    result = _run(tmp_path / "none.csv", "--label", "left", "--out", tmp_path / "model")
    assert result.exit_code == 2
    assert "none.csv" in result.stderr
