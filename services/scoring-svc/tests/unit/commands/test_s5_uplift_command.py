"""S5: `guanxi-scoring uplift` prints the effect, the tenths and the three orders; a bad file is told with its line and column."""

import numpy as np
import pytest
from scoring_svc.commands.app import app
from typer.testing import CliRunner


def _run(*arguments: object):
    return CliRunner().invoke(app, ["uplift", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    draws = np.random.default_rng(6)
    rows = ["wealth,warmth,called,bought"]
    for _ in range(3000):
        wealth, warmth = draws.normal(size=2)
        called = draws.random() < 0.5
        bought = draws.random() < 1 / (1 + np.exp(1.2 - wealth)) * 0.7 + 0.2 * (called and warmth > 0)
        rows.append(f"{wealth:.3f},{warmth:.3f},{int(called)},{int(bought)}")
    path = tmp_path_factory.mktemp("trial") / "trial.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_s5_uplift_prints_effect_tenths_and_every_order(trial) -> None:
    result = _run(trial, "--treatment", "called", "--outcome", "bought")
    assert result.exit_code == 0, result.output
    assert "Effect +" in result.stdout
    assert "one-column rule (warmth)" in result.stdout
    for order in ("two-model uplift", "response only", "one-column rule"):
        assert result.stdout.count(order) >= 2  # in the comparison, and over its tenths
    assert result.stdout.count("│ 10    │") == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,called,bought\n1,1,0\n2,0,2\n3,0,1\n", 'line 4, column "bought": a third value'),
        ("a,called,bought\n1,1,0\n2,1,1\n", 'column "called": every row has the same value'),
        ("a,called,bought\n1,1,0\n2,0,1\n", "of the treated rows 0 have the outcome"),
    ],
)
def test_s5_uplift_tells_what_is_wrong_with_a_file(tmp_path, text, message) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    result = _run(path, "--treatment", "called", "--outcome", "bought")
    assert result.exit_code == 2
    assert message in result.stderr
