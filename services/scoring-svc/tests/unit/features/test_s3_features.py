"""S3: features look back from the cut, labels look forward, and neither sees what is the other's."""

import csv
import lzma
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import pytest
from scoring_svc.features.policy import (
    ContactFact,
    Engagement,
    EngagementFact,
    FactKind,
    FeatureStandard,
    Label,
    LabelRules,
    features_of,
    labels_of,
    say,
)
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import CORRECTION, OPENING, DailyActivity, load_activity_classes
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.standards import load_standards

CLASSES = load_activity_classes()
SIGNALS = load_standards(SignalStandard, "signals")[-1]
STANDARD = load_standards(FeatureStandard, "features")[-1]
BERKA = Path(__file__).parents[5] / "deploy/sandbox/berka/trans_1993-01_1994-03.asc.xz"
CUT = date(1993, 12, 30)
ONE_DAY = timedelta(days=1)


@cache
def berka() -> dict[UUID, tuple[DailyActivity, ...]]:
    """The daily aggregates of every account of the sandbox."""
    sums: dict[tuple[str, date, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    with lzma.open(BERKA, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            amount = round(float(row["amount"]) * 100) * (1 if row["type"] == "PRIJEM" else -1)
            on = datetime.strptime(row["date"], "%y%m%d").date()  # noqa: DTZ007 - a business date
            day = sums[row["account_id"], on, CLASSES.classify(f"{row['operation']}|{row['k_symbol'].strip()}")]
            day[0] += 1
            day[1 if amount > 0 else 2] += amount
    book: dict[UUID, list[DailyActivity]] = defaultdict(list)
    for (account, on, kind), (entries, credit, debit) in sorted(sums.items(), key=lambda item: item[0][1]):
        customer = uuid5(UUID(int=0), account)
        book[customer].append(DailyActivity(customer, on, "CZK", kind, entries, credit, debit))
    return {customer: tuple(days) for customer, days in book.items()}


def day(on: date, kind: str, amount: int, entries: int = 1, currency: str = "CNY") -> DailyActivity:
    return DailyActivity(UUID(int=1), on, currency, kind, entries, max(amount, 0), min(amount, 0))


def shifted(days: Sequence[DailyActivity], by: timedelta) -> list[DailyActivity]:
    """The same days, with all that lies after the cut moved by `by`, and made a hundred times as large."""
    return [
        one
        if one.booked_on <= CUT
        else replace(one, booked_on=one.booked_on + by, entries=one.entries * 7, credit_minor=one.credit_minor * 100)
        for one in days
    ]


@pytest.mark.parametrize("by", [ONE_DAY, 10 * ONE_DAY, 365 * ONE_DAY])
def test_s3_moving_what_lies_after_the_cut_moves_no_feature(by: timedelta) -> None:
    looked_at = 0
    for days in list(berka().values())[:200]:
        before = features_of([one for one in days if one.booked_on <= CUT], CLASSES, CUT, SIGNALS)
        assert features_of(days, CLASSES, CUT, SIGNALS) == before
        assert features_of(shifted(days, by), CLASSES, CUT, SIGNALS) == before
        looked_at += before is not None
    assert looked_at > 100


def test_s3_contacts_and_complaints_after_the_cut_move_no_feature() -> None:
    days = next(iter(berka().values()))
    known = Engagement([ContactFact(CUT, "interaction", 0)], [EngagementFact(CUT, FactKind.SURVEY_ANSWERED, "a", 4)])
    later = Engagement(
        [*known.contacts, ContactFact(CUT + ONE_DAY, "interaction", -1_500), ContactFact(CUT + ONE_DAY, "plan_review", -1_500)],
        [
            *known.facts,
            EngagementFact(CUT + ONE_DAY, FactKind.SURVEY_ANSWERED, "b", 1),
            EngagementFact(CUT + ONE_DAY, FactKind.COMPLAINT_OPENED, "c"),
        ],
    )
    assert features_of(days, CLASSES, CUT, SIGNALS, engagement=known) == features_of(
        days, CLASSES, CUT, SIGNALS, engagement=later
    )


def test_s3_a_day_after_the_cut_is_seen_once_the_cut_has_passed_it() -> None:
    days = [day(CUT - 100 * ONE_DAY, "cash_deposit", 1_000), day(CUT + ONE_DAY, "card", -400)]
    now, tomorrow = (features_of(days, CLASSES, on, SIGNALS) for on in (CUT, CUT + ONE_DAY))
    assert now is not None
    assert tomorrow is not None
    assert (now["balance_minor"], tomorrow["balance_minor"]) == (1_000, 600)
    assert (now["acts_30"], tomorrow["acts_30"]) == (0, 1)
    assert (now["entries_card_30"], tomorrow["entries_card_30"]) == (0, 1)


def test_s3_labels_rest_on_the_horizon_alone() -> None:
    """What follows the horizon changes no label, and neither does the course of what came before, where its sums stay."""
    end = CUT + timedelta(days=STANDARD.labels.horizon_days)
    differ = 0
    for days in list(berka().values())[:200]:
        found = labels_of(days, CLASSES, CUT, STANDARD.labels, SIGNALS)
        beyond = [*days, replace(days[-1], booked_on=end + ONE_DAY, credit_minor=10**9)]
        assert labels_of(beyond, CLASSES, CUT, STANDARD.labels, SIGNALS) == found
        nothing_more = labels_of([one for one in days if one.booked_on <= CUT], CLASSES, CUT, STANDARD.labels, SIGNALS)
        differ += nothing_more != found
    assert differ > 50


def stays(first: date = CUT - 300 * ONE_DAY) -> list[DailyActivity]:
    """A customer with a steady balance, an act a week and a salary a month, to beyond the horizon."""
    days = [day(first, "cash_deposit", 10_000_000)]
    days += [day(first + week * 7 * ONE_DAY, "card", -10_000) for week in range(1, 60)]
    days += [day(first + month * 30 * ONE_DAY, "regular_income", 43_000) for month in range(1, 14)]
    return sorted(days, key=lambda one: one.booked_on)


def labels(days: Sequence[DailyActivity], closed_on: Sequence[date] | None = None) -> dict[Label, bool | None]:
    found = labels_of(days, CLASSES, CUT, STANDARD.labels, SIGNALS, closed_on=closed_on)
    assert found is not None
    return found


def test_s3_a_customer_who_stays_has_every_label_false() -> None:
    assert labels(stays(), closed_on=()) == dict.fromkeys(Label, False)


def test_s3_each_label_is_what_it_says() -> None:
    gone_quiet = [one for one in stays() if one.booked_on <= CUT or one.activity_class != "card"]
    found = labels(gone_quiet)
    assert (found[Label.ACTIVITY_DECLINE], found[Label.FULL_ATTRITION], found[Label.SALARY_GONE]) == (True, True, False)
    unpaid = [one for one in stays() if one.booked_on <= CUT or one.activity_class != "regular_income"]
    assert labels(unpaid)[Label.SALARY_GONE] is True
    drained = sorted([*stays(), day(CUT + 10 * ONE_DAY, "transfer", -9_000_000)], key=lambda one: one.booked_on)
    found = labels(drained)
    assert (found[Label.BALANCE_DECLINE], found[Label.ACTIVITY_DECLINE], found[Label.LEAVES]) == (True, False, True)


def test_s3_a_closed_account_is_a_label_where_accounts_are_known() -> None:
    end = CUT + timedelta(days=STANDARD.labels.horizon_days)
    assert labels(stays())[Label.PRODUCT_CLOSURE] is None
    assert labels(stays(), closed_on=[CUT])[Label.PRODUCT_CLOSURE] is False
    assert labels(stays(), closed_on=[CUT + ONE_DAY])[Label.PRODUCT_CLOSURE] is True
    assert labels(stays(), closed_on=[end])[Label.PRODUCT_CLOSURE] is True
    assert labels(stays(), closed_on=[end + ONE_DAY])[Label.PRODUCT_CLOSURE] is False


def test_s3_what_a_customer_cannot_show_has_no_label() -> None:
    poor = [day(CUT - 200 * ONE_DAY, "cash_deposit", 5)]
    assert labels(poor) == dict.fromkeys(Label)


def test_s3_the_horizon_holds_the_windows() -> None:
    with pytest.raises(ValueError, match="horizon"):
        replace(STANDARD.labels, horizon_days=10)
    assert isinstance(STANDARD.labels, LabelRules)


def test_s3_other_currencies_are_left_out() -> None:
    days = stays()
    usd = [day(CUT - 5 * ONE_DAY, "cash_deposit", 10**9, currency="USD")]
    assert features_of([*days, *usd], CLASSES, CUT, SIGNALS) == features_of(days, CLASSES, CUT, SIGNALS)


def test_s3_balances_are_means_of_days() -> None:
    days = [day(CUT - 59 * ONE_DAY, "cash_deposit", 100), day(CUT - 29 * ONE_DAY, "cash_withdrawal", -50)]
    found = features_of(days, CLASSES, CUT, SIGNALS)
    assert found is not None
    assert found["balance_mean_30_minor"] == 50
    assert found["balance_mean_90_minor"] == 75
    assert found["balance_min_90_minor"] == 50
    assert found["balance_trend_bp"] == 5_000
    assert features_of(days, CLASSES, CUT - 60 * ONE_DAY, SIGNALS) is None


def test_s3_a_reported_balance_moves_balances_and_no_other_feature() -> None:
    days = stays()
    opening = day(CUT - 40 * ONE_DAY, OPENING, 7_000_000, entries=0)
    bare, anchored = (features_of(found, CLASSES, CUT, SIGNALS) for found in (days, [*days, opening]))
    assert bare is not None
    assert anchored is not None
    levels = {name for name in bare if name.startswith("balance_") and name.endswith("_minor")}
    assert all(anchored[name] == pytest.approx((bare[name] or 0) + 7_000_000) for name in levels)
    moved = {name for name in bare if anchored[name] != bare[name]}
    assert levels <= moved <= {*levels, "balance_trend_bp", "balance_level_bp"}


def test_s3_a_balance_reported_after_the_cut_moves_no_feature() -> None:
    for kind in (OPENING, CORRECTION):
        late = day(CUT + ONE_DAY, kind, 7_000_000, entries=0)
        assert features_of([*stays(), late], CLASSES, CUT, SIGNALS) == features_of(stays(), CLASSES, CUT, SIGNALS)


def test_s3_a_balance_first_reported_within_the_horizon_is_neither_a_rise_nor_hides_a_decline() -> None:
    """What was there all the time counts on both sides; against it, what left is no decline any more."""
    left = day(CUT + 10 * ONE_DAY, "transfer", -9_000_000)
    opening = day(CUT + 20 * ONE_DAY, OPENING, 100_000_000, entries=0)
    drained = sorted([*stays(), left], key=lambda one: one.booked_on)
    assert labels(drained)[Label.BALANCE_DECLINE] is True
    assert labels([*drained, opening])[Label.BALANCE_DECLINE] is False
    most = replace(left, debit_minor=-90_000_000)
    assert labels([*stays(), most, opening])[Label.BALANCE_DECLINE] is True
    assert labels([*stays(), opening])[Label.BALANCE_DECLINE] is False


def test_s3_reports_alone_are_no_history() -> None:
    assert history_of([day(CUT, OPENING, 100, entries=0)], CLASSES, CUT) is None
    usd = [day(CUT, OPENING, 10**9, entries=0, currency="USD")]
    assert features_of([*stays(), *usd], CLASSES, CUT, SIGNALS) == features_of(stays(), CLASSES, CUT, SIGNALS)


def test_s3_an_open_complaint_counts_until_it_is_resolved() -> None:
    opened = EngagementFact(CUT - 20 * ONE_DAY, FactKind.COMPLAINT_OPENED, "c")
    ended = EngagementFact(CUT, FactKind.COMPLAINT_RESOLVED, "c")
    for facts, still_open in (([opened], 1), ([ended, opened], 0)):
        found = features_of(stays(), CLASSES, CUT, SIGNALS, engagement=Engagement(facts=facts))
        assert found is not None
        assert (found["complaints_open"], found["complaints_90"]) == (still_open, 1)


def test_s3_every_feature_has_words_in_both_languages() -> None:
    history = history_of(stays(), CLASSES, CUT)
    found = features_of(stays(), CLASSES, CUT, SIGNALS, history=history)
    assert found is not None
    assert set(STANDARD.left_out) <= found.keys()
    for name, value in found.items():
        word = STANDARD.word(name)
        assert word.en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in word.zh), name
        assert say(name, value, "CNY").zh
    assert STANDARD.word(f"entries_{uuid4().hex}_30").en.endswith("postings in 30 days")
