"""S2: `guanxi-scoring fit-lifetime` on the published CDNOW log, and on files that cannot be used."""

import gzip
import lzma
from pathlib import Path

import pytest
from scoring_svc.commands.app import app
from typer.testing import CliRunner

SAMPLE = Path(__file__).parents[2] / "data" / "cdnow" / "CDNOW_sample.txt.xz"


def _run(*arguments: object):
    return CliRunner().invoke(app, ["fit-lifetime", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory) -> Path:
    """The log as a user would have it: a CSV of customer, date and amount, packed."""
    path = tmp_path_factory.mktemp("cdnow") / "purchases.csv.gz"
    with lzma.open(SAMPLE, "rt") as lines, gzip.open(path, "wt") as out:
        out.write("id,date,amount\n")
        for line in lines:
            _, customer, day, _, dollars = line.split()
            out.write(f"{customer},{day},{dollars}\n")
    return path


def test_s2_every_model_is_printed_with_its_hold_out(cdnow) -> None:
    result = _run(cdnow, "--calibration-end", "1997-09-30")
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "2,357 customers, 946 with a repeat purchase" in text
    for figures in ("0.2426   │ 0.0126", "0.5533   │ 0.0476", "6.2496   │ 1.1901"):
        assert figures in text
    assert "Log-likelihood -9582.429" in text
    assert "Hold-out prediction 1,653 purchases; actual 1,882." in text
    assert "Hold-out prediction 1,666 purchases; actual 1,882." in text
    assert "1998-06-30    │ 4,339" in text


def test_s2_without_later_purchases_there_is_no_hold_out_and_without_amounts_no_value(tmp_path, cdnow) -> None:
    path = tmp_path / "plain.csv"
    with gzip.open(cdnow, "rt") as lines:
        path.write_text("".join(f"{line.rsplit(',', 1)[0]}\n" for line in lines))
    text = _run(path, "--calibration-end", "1998-06-30").stdout
    assert "Hold-out: none" in text
    assert "Hold-out prediction" not in text
    assert "Gamma-Gamma" not in text
    assert "Pareto/NBD" in text


def test_s2_a_refused_fit_is_told_in_both_languages(tmp_path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("customer;on;worth\na;2026-01-05;12.50\nb;20260106;3\n")
    result = _run(path, "--calibration-end", "2026-02-01", "--id", "customer", "--date", "on", "--amount", "worth")
    assert result.exit_code == 0, result.output
    assert "Refused (too_few_customers): 2 customers; a fit needs 100." in result.stdout
    assert "拒绝：仅2位客户" in result.stdout


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id,date,amount\na,2026-01-05,1\nb,5 January,1\n", 'line 3, column "date": not a date'),
        ("id,date,amount\na,2026-01-05,1\n,2026-01-05,1\n", 'line 3, column "id": the customer is missing'),
        ("id,date,amount\na,2026-01-05,1.005\n", 'line 2, column "amount": more than 2 decimal places'),
        ("id,date,amount\na,2026-01-05,-1\n", 'line 2, column "amount": a purchase is not negative'),
        ("id,date,amount\na,2026-01-05,much\n", 'line 2, column "amount": not an amount'),
        ("id,date,amount\na,2026-01-05,inf\n", 'line 2, column "amount": not an amount'),
        ("id,date,amount\na,2026-01-05,1e400\n", 'line 2, column "amount": not an amount'),
        ("id,when\na,2026-01-05\n", 'line 1, column "date": no such column'),
        ("id,date\na\n", 'line 2, column "date": the row ends here'),
        ("id,date\na,2026-03-05\n", "no purchase by the end of calibration"),
        ("", "no header"),
    ],
)
def test_s2_a_bad_file_is_told_with_line_and_column(tmp_path, text, complaint) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    result = _run(path, "--calibration-end", "2026-02-01")
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_s2_a_missing_file_and_a_bad_end_are_told(tmp_path, cdnow) -> None:
    missing = _run(tmp_path / "none.csv", "--calibration-end", "2026-02-01")
    assert (missing.exit_code, "No such file" in missing.stderr) == (2, True)
    bad_end = _run(cdnow, "--calibration-end", "soon")
    assert (bad_end.exit_code, "not a date" in bad_end.stderr) == (2, True)
