"""S2, S3, S4: the evaluation holds its gates, knows nothing of the future, and its document agrees with its figures."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scoring_svc.evaluation import berka_aggregates, document, run
from scoring_svc.evaluation.berka_features import Bank, granted_loan, issued_card, read_bank, static_features
from scoring_svc.evaluation.figures import Reference, auc_lift, holds, references
from scoring_svc.evaluation.sources import Sources
from scoring_svc.evaluation.tasks import months_since_start, task
from scoring_svc.training import metrics
from scoring_svc.training.estimators import Kind

ROOT = Path(__file__).parents[5]
SOURCES = Sources.of_checkout(ROOT)
COUNTS_OF_DAYS = {"tenure_days", "loan_days", "card_days", "owner_age", "loan_months_left"}


@pytest.fixture(scope="module")
def bank() -> Bank:
    return read_bank(SOURCES)


@pytest.fixture(scope="module")
def quick() -> run.Evaluation:
    return run.evaluate(SOURCES, quick=True, executor=None, advance=lambda _: None)


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads((ROOT / "docs" / "evaluation.json").read_text(encoding="utf-8"))


def test_s3_the_fast_gates_hold(quick) -> None:
    assert quick.failed == ()
    gated = {(figure.task, figure.measure) for figure in quick.figures if figure.holds}
    assert gated == {("berka_card", "AUC"), ("berka_loan", "AUC")}


def test_s2_every_published_table_comes_out(quick) -> None:
    assert [check.name for check in quick.checks if not check.holds] == []
    assert len(quick.checks) == len(references().lifetime) == 20


def test_s4_a_loan_is_ranked_better_than_by_tenure_alone(quick) -> None:
    lifts = {f.task: f.lift for f in quick.figures if f.task.startswith("berka_loan") and f.measure == "AUC"}
    assert set(lifts) == {"berka_loan", "berka_loan_later"}
    assert all(lift.low > 0 for lift in lifts.values())


def test_s3_the_document_agrees_with_its_json_and_with_the_plots(quick, tmp_path) -> None:
    path = tmp_path / "evaluation.md"
    document.write(quick, path)
    text = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert document.as_markdown(text, "evaluation") == path.read_text(encoding="utf-8")
    for figure in text["figures"]:
        assert f"{figure['ours']['value']:.3f}" in path.read_text(encoding="utf-8")
        assert (tmp_path / "evaluation" / f"{figure['task']}.svg").read_text().startswith("<svg ")


def test_s3_the_document_of_the_repository_is_whole_and_every_gate_holds(stored, quick) -> None:
    assert document.as_markdown(stored, "evaluation") == (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert stored["failed"] == []
    titles = {references().tasks[name].title for name, _, _ in run.plan(False)}
    assert {figure["title"] for figure in stored["figures"]} | set(stored["missing"]) == titles
    for task_name in {figure["task"] for figure in stored["figures"]}:
        assert (ROOT / "docs" / "evaluation" / f"{task_name}.svg").is_file()
    ours = {check.name: check.ours for check in quick.checks}
    assert {check["name"]: check["ours"] for check in stored["lifetime"]} == pytest.approx(ours, rel=1e-6)


def test_s3_what_comes_after_the_cut_changes_no_feature(bank) -> None:
    cut = date(1996, 12, 31).toordinal()
    accounts = np.array(sorted(a for a, opened in bank.opened.items() if opened <= cut))
    ignorant = replace(
        bank,
        loans={a: loan for a, loan in bank.loans.items() if loan.day <= cut},
        cards={a: day for a, day in bank.cards.items() if day <= cut},
    )
    assert len(ignorant.loans) < len(bank.loans)
    known, told = static_features(bank, accounts, cut), static_features(ignorant, accounts, cut)
    assert all(np.array_equal(known.columns[n], told.columns[n], equal_nan=n != "statement") for n in known.columns)


def test_s3_a_cut_a_day_later_moves_only_what_is_dated_on_that_day(bank) -> None:
    cut = date(1996, 12, 30).toordinal()
    accounts = np.array(sorted(a for a, opened in bank.opened.items() if opened <= cut))
    dated = {a for a, loan in bank.loans.items() if loan.day == cut + 1} | {a for a, day in bank.cards.items() if day == cut + 1}
    same = ~np.isin(accounts, sorted(dated))
    before, after = static_features(bank, accounts, cut), static_features(bank, accounts, cut + 1)
    for name in set(before.columns) - COUNTS_OF_DAYS:
        assert np.array_equal(before.columns[name][same], after.columns[name][same], equal_nan=name != "statement"), name
    assert np.all(after.columns["tenure_days"] - before.columns["tenure_days"] == 1)


def test_s4_who_holds_the_product_at_the_cut_is_not_asked(bank) -> None:
    cut = date(1997, 12, 31).toordinal()
    cards, loans = issued_card(bank, cut), granted_loan(bank, cut)
    assert all(bank.cards.get(a, cut + 1) > cut for a in cards.accounts.tolist())
    assert all(a not in bank.loans or bank.loans[a].day > cut for a in loans.accounts.tolist())
    assert max(bank.opened[a] for a in cards.accounts.tolist()) <= cut - 180
    assert 0 < cards.outcome.sum() < cards.outcome.size


def test_s3_no_column_that_knows_the_future_is_read(bank) -> None:
    features = berka_aggregates.read_aggregates(SOURCES, bank).features
    assert not set(features.columns) & {
        "has_loan", "has_card", "n_orders", "order_amount_sum", "churned", "tx_count_label", "avg_balance_label", "balance_ratio"
    }  # fmt: skip
    assert "duration" not in task(SOURCES, "bank_marketing_quarters", 1).table.columns


def test_s4_windows_in_time_train_only_on_what_came_before() -> None:
    for name in ("bank_marketing_quarters", "bank_marketing_fifths"):
        splits = task(SOURCES, name, 1).splits
        assert len(splits) > 4
        assert all(split.seen.max() < split.unseen.min() for split in splits)


def test_s4_a_month_before_the_last_one_is_in_the_next_year() -> None:
    assert months_since_start(["may", "may", "dec", "mar", "apr"]).tolist() == [0, 0, 7, 10, 11]


def test_s3_a_gate_fails_just_below_its_tolerance() -> None:
    assert holds(0.8171, Reference(value=0.827, gate=True))
    assert holds(0.8169, Reference(value=0.827, gate=True)) is False
    assert holds(0.1, Reference(value=0.827)) is None


def test_s3_the_lift_is_the_difference_of_two_areas_with_an_interval() -> None:
    draws = np.random.default_rng(1)
    outcome = draws.random(800) < 0.3
    good, bad = outcome + draws.normal(size=800), outcome + draws.normal(scale=3, size=800)
    lift = auc_lift(outcome, good, bad)
    assert lift.value == pytest.approx(metrics.auc(outcome, good) - metrics.auc(outcome, bad))
    assert 0 < lift.low < lift.value < lift.high
    assert Kind.LOGISTIC in references().tasks["berka_card"].auc
