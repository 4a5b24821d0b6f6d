"""S10 on real PostgreSQL: each measure is what the postings add up to, for those whom the caller may see, by outlet, RM and tier."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.errors import InvalidInput
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope, ScopeKind
from guanxi_testing.work import work_by
from scoring_svc.concentration.policy import Measure, Part
from scoring_svc.concentration.schemas import ConcentrationOut
from scoring_svc.concentration.service import Question, read_concentration
from scoring_svc.shipped import load_method

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
TODAY = date(2026, 11, 23)
METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
NORTH, SOUTH, RM_A, RM_B = (uuid4() for _ in range(4))


@pytest.fixture
async def uow(postgres: Any) -> AsyncIterator[UnitOfWork]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=1))
        async with database.transaction() as uow:
            await uow.driver.execute("INSERT INTO directory_outlet VALUES ($1, NULL, 'n', '城北支行', 'traditional', 1)", NORTH)
            yield uow
        await database.dispose()


async def customer(uow: UnitOfWork, outlet: UUID, staff: UUID | None, *days: tuple[int, str, int, int]) -> UUID:
    """A customer in the book now; `days`: (days ago, class, credit, debit) in CNY."""
    one = uuid4()
    await uow.driver.execute(
        "INSERT INTO book_assignment (customer_id, capacity, valid_from, staff_id, outlet_id, version)"
        " VALUES ($1, 'primary_rm', $2, $3, $4, 1)",
        one,
        NOW - timedelta(days=9),
        staff,
        outlet,
    )
    rows = [(one, TODAY - timedelta(days=ago), "CNY", kind, 1, credit, debit) for ago, kind, credit, debit in days]
    await uow.driver.copy_records_to_table("daily_activity", records=rows)
    return one


async def read(uow: UnitOfWork, measure: Measure, scope: RowScope = SYSTEM_SCOPE, **asked: Any) -> ConcentrationOut:
    question = Question(
        measure, asked.get("currency", "CNY"), asked.get("as_of"), asked.get("by", Part.BOOK), asked.get("limit", 100)
    )
    return await read_concentration(work_by("staff:1", uow, NOW, METHOD.calendar, scope), METHOD, question)


async def test_s10_each_measure_is_what_the_postings_add_up_to(uow: UnitOfWork) -> None:
    await customer(
        uow, NORTH, RM_A,
        (800, "cash_deposit", 1_000_000, 0), (364, "transfer", 0, -600_000), (0, "card", 0, -100_000),
        (30, "interest", 5_000, 0), (30, "fee", 0, -2_000),
    )  # fmt: skip
    totals = {measure: (await read(uow, measure)).book.total_minor for measure in Measure}
    average = (1_000_000 * 365 - 600_000 * 365 - 100_000 * 1 + 3_000 * 31) / 365
    assert totals == {
        Measure.BALANCE: 303_000,
        Measure.AVERAGE_BALANCE: round(average),
        Measure.INFLOW: 0,
        Measure.OUTFLOW: 700_000,
        Measure.TURNOVER: 700_000,
        # 1.8 % of the average balance, 0.05 % of the transfer, 0.3 % of the card; 20.00 charged, 50.00 of interest paid.
        Measure.MARGIN: round(average * 0.018 + 600_000 * 0.0005 + 100_000 * 0.003 + 2_000 - 5_000),
        Measure.PRODUCT_MARGIN: 0,
    }
    earlier = await read(uow, Measure.BALANCE, as_of=TODAY - timedelta(days=400))
    assert (earlier.as_of, earlier.book.total_minor) == (TODAY - timedelta(days=400), 1_000_000)
    assert (await read(uow, Measure.BALANCE, currency="USD")).book.total_minor == 0


async def test_s10_customers_without_a_posting_count_and_those_below_zero_stand_apart(uow: UnitOfWork) -> None:
    await customer(uow, NORTH, RM_A)
    await customer(uow, NORTH, RM_A, (3, "card", 0, -700))
    await customer(uow, NORTH, RM_A, (3, "cash_deposit", 900, 0))
    found = (await read(uow, Measure.BALANCE)).book
    assert (found.customers, found.below_zero, found.below_zero_minor, found.gini_bp) == (2, 1, -700, 5000)


async def test_s10_parts_by_outlet_and_rm_within_the_callers_scope(uow: UnitOfWork) -> None:
    for value in (100, 300):
        await customer(uow, NORTH, RM_A, (1, "cash_deposit", value, 0))
    await customer(uow, NORTH, None, (1, "cash_deposit", 50, 0))
    await customer(uow, SOUTH, RM_B, (1, "cash_deposit", 1_000, 0))
    by_outlet = await read(uow, Measure.BALANCE, by=Part.OUTLET)
    assert [(part.id, part.name, part.figures.total_minor) for part in by_outlet.parts] == [
        (SOUTH, None, 1_000), (NORTH, "城北支行", 450)
    ]  # fmt: skip
    assert by_outlet.book.total_minor == 1_450
    by_staff = await read(uow, Measure.BALANCE, RowScope(ScopeKind.OUTLET, None, (NORTH,)), by=Part.STAFF, limit=1)
    assert [(part.id, part.figures.total_minor, part.figures.gini_bp) for part in by_staff.parts] == [(RM_A, 400, 2500)]
    assert (by_staff.parts_in_all, by_staff.book.total_minor) == (2, 450)
    own = await read(uow, Measure.BALANCE, RowScope(ScopeKind.OWN, RM_B))
    assert (own.book.customers, own.book.total_minor) == (1, 1_000)
    nobody = await read(uow, Measure.BALANCE, RowScope(ScopeKind.OWN, uuid4()))
    assert (nobody.book.customers, nobody.curve_bp, nobody.book.gini_bp) == (0, [], None)
    for wrong in ({"as_of": TODAY + timedelta(days=1)}, {"currency": "ABC"}):
        with pytest.raises(InvalidInput):
            await read(uow, Measure.BALANCE, **wrong)


async def test_s10_a_customer_counts_once_whoever_looked_after_it_before(uow: UnitOfWork) -> None:
    one = await customer(uow, NORTH, RM_A, (1, "cash_deposit", 100, 0))
    add = "INSERT INTO book_assignment (customer_id, capacity, valid_from, valid_to, staff_id, outlet_id, version) VALUES "
    before, ended = NOW - timedelta(days=90), NOW - timedelta(days=9)
    await uow.driver.execute(f"{add} ($1, 'primary_rm', $2, $3, $4, $5, 1)", one, before, ended, RM_B, SOUTH)
    await uow.driver.execute(f"{add} ($1, 'assistant', $2, NULL, $3, $4, 1)", one, before, RM_B, NORTH)
    assert (await read(uow, Measure.BALANCE)).book.customers == 1
    assert (await read(uow, Measure.BALANCE, RowScope(ScopeKind.OWN, RM_B))).book.customers == 1


async def test_s10_the_margin_by_product_is_each_accounts_last_balance_at_its_products_rate(uow: UnitOfWork) -> None:
    one, other = await customer(uow, NORTH, RM_A, (3, "cash_deposit", 900, 0)), await customer(uow, NORTH, RM_A)
    catalogue = [
        ("SAV", {"family": "deposit", "margin_bp": 100, "holds_from_account_codes": ["savings", "current"]}),
        ("current", {"family": "deposit", "margin_bp": 200}),
        ("LOAN", {"family": "loan", "margin_bp": 300, "holds_from_account_codes": ["mortgage"]}),
    ]
    for code, detail in catalogue:
        await uow.driver.execute("INSERT INTO product VALUES ($1, 1, $2)", code, json.dumps(detail))
    held = [
        # product, closed days ago, (reported days ago, balance): a later report replaces an earlier one
        (one, "savings", None, [(40, 1_000_000), (5, 3_000_000)]),
        (one, "current", None, [(5, 500_000)]),
        (one, "current", 2, [(5, 9_000_000)]),
        (one, "gold bars", None, [(5, 9_000_000)]),
        (other, "mortgage", None, [(5, -10_000_000)]),
        (other, "savings", None, [(5, -70_000)]),
        (other, "savings", None, []),
    ]
    for who, product, closed, reports in held:
        account = uuid4()
        closed_on = None if closed is None else TODAY - timedelta(days=closed)
        await uow.driver.execute(
            "INSERT INTO holding (customer_id, account_id, product_code, closed_on) VALUES ($1, $2, $3, $4)",
            who, account, product, closed_on,
        )  # fmt: skip
        rows = [(who, account, TODAY - timedelta(days=ago), balance, "CNY", NOW) for ago, balance in reports]
        columns = ("customer_id", "account_id", "as_of", "balance_minor", "currency", "recorded_at")
        await uow.driver.copy_records_to_table("reported_balance", records=rows, columns=columns)
    found = await read(uow, Measure.PRODUCT_MARGIN)
    assert (found.book.customers, found.book.total_minor) == (2, 30_000 + 10_000 + 300_000)
    assert found.standard_version == 2
    earlier = await read(uow, Measure.PRODUCT_MARGIN, as_of=TODAY - timedelta(days=3))
    assert (earlier.book.total_minor, earlier.standard_version) == (340_000 + 180_000, 2)
    assert (await read(uow, Measure.PRODUCT_MARGIN, as_of=TODAY - timedelta(days=30))).book.total_minor == 10_000
    assert (await read(uow, Measure.PRODUCT_MARGIN, RowScope(ScopeKind.OWN, RM_B))).book.customers == 0


async def test_s10_by_tier_and_those_without_one_beside(uow: UnitOfWork) -> None:
    for tier, credit in (("private", 900), ("private", 500), ("preferred", 100), (None, 7)):
        one = await customer(uow, NORTH, RM_A, (1, "transfer", credit, 0))
        await uow.driver.execute("INSERT INTO customer_classification (customer_id, version, tier) VALUES ($1, 1, $2)", one, tier)
    await customer(uow, NORTH, RM_A, (1, "transfer", 3, 0))  # the replica has not heard of this one
    found = await read(uow, Measure.BALANCE, by=Part.TIER)
    assert [(part.id, part.name, part.figures.customers, part.figures.total_minor) for part in found.parts] == [
        (None, "private", 2, 1400),
        (None, "preferred", 1, 100),
        (None, None, 2, 10),
    ]
