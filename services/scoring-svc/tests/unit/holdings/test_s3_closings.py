"""S3: which closing of an account is a customer's leaving."""

from datetime import date, timedelta
from uuid import uuid4

from scoring_svc.holdings.policy import Holding, closings

CUT = date(2026, 6, 30)


def held(opened_ago: int, *, closed_in: int | None = None, matures_in: int | None = None) -> Holding:
    def on(days: int | None) -> date | None:
        return None if days is None else CUT + timedelta(days=days)

    return Holding(uuid4(), "savings", "CNY", CUT - timedelta(days=opened_ago), on(matures_in), on(closed_in))


def test_s3_only_accounts_open_at_the_cut_can_be_closed_after_it() -> None:
    assert closings([], CUT) is None
    assert closings([held(90, closed_in=0), held(90, closed_in=-5), held(-1, closed_in=9)], CUT) is None
    assert closings([held(90)], CUT) == []
    assert closings([held(0, closed_in=20), held(5, closed_in=1)], CUT) == [CUT + timedelta(days=1), CUT + timedelta(days=20)]


def test_s3_an_account_whose_term_ends_is_not_given_up() -> None:
    assert closings([held(90, closed_in=30, matures_in=30)], CUT) == []
    assert closings([held(90, closed_in=31, matures_in=30)], CUT) == []
    assert closings([held(90, closed_in=29, matures_in=30)], CUT) == [CUT + timedelta(days=29)]
