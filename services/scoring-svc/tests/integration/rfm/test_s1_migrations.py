"""S1: the migration matrix on real PostgreSQL is the one that single cells give, for those whom the caller may see; fixed bands."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.errors import InvalidInput
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope, ScopeKind
from guanxi_testing.work import work_by
from scoring_svc.ledger.history import history_of, rfm_columns
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS, RfmStandard, cell
from scoring_svc.rfm.service import read_migrations
from scoring_svc.scores.in_force import ActiveModels
from scoring_svc.scores.policy import Lifetime
from scoring_svc.scores.service import score_customer
from scoring_svc.shipped import load_method

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
BEFORE, AFTER = date(2026, 6, 30), date(2026, 11, 23)
METHOD = load_method(BusinessCalendar(zone="Asia/Shanghai"))
FIXED = METHOD.replacing(replace(METHOD[RfmStandard], method="fixed"))


@pytest.fixture
async def database(postgres: Any) -> AsyncIterator[Database]:
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=2))
        yield database
        await database.dispose()


def book(size: int) -> dict[UUID, list[DailyActivity]]:
    """Customers with acts, interest and two currencies on days of the last two years."""
    random = Random(11)
    days: dict[UUID, list[DailyActivity]] = {}
    for _ in range(size):
        customer, currency = uuid4(), random.choice(["CNY", "CNY", "CZK"])
        dates = {AFTER - timedelta(days=random.choice([3, 29, 30, 40, 90, 180, 365, 366, 500, 700]) + random.randrange(3) - 1)}
        dates |= {AFTER - timedelta(days=random.randrange(0, 800)) for _ in range(random.choice([0, 2, 9, 40]))}
        days[customer] = [
            DailyActivity(
                customer, on, currency, random.choice(["card", "card", "interest"]), random.randrange(1, 4),
                random.choice([0, 100_000, 999_999]), -random.choice([0, 1, 5_000_000])
            )
            for on in sorted(dates)
        ]  # fmt: skip
    return days


async def store(database: Database, days: dict[UUID, list[DailyActivity]], staff: UUID, outlet: UUID) -> list[UUID]:
    """Write the days; the first half of the customers is looked after by `staff`. Returns that half."""
    own = list(days)[: len(days) // 2]
    async with database.transaction() as uow:
        rows = [
            (d.customer_id, d.booked_on, d.currency, d.activity_class, d.entries, d.credit_minor, d.debit_minor)
            for of_one in days.values()
            for d in of_one
        ]
        await uow.driver.copy_records_to_table("daily_activity", records=rows)
        columns = ["customer_id", "capacity", "valid_from", "staff_id", "outlet_id", "version"]
        books = [(one, "primary_rm", NOW - timedelta(days=1), staff if one in own else None, outlet, 1) for one in days]
        await uow.driver.copy_records_to_table("book_assignment", records=books, columns=columns)
        await uow.commit()
    return own


def reference(days: dict[UUID, list[DailyActivity]]) -> Counter[tuple[str, str, str]]:
    """(currency, group before, group after) → customers, one customer at a time."""
    moves: Counter[tuple[str, str, str]] = Counter()
    for of_one in days.values():
        cells = []
        for day in (BEFORE, AFTER):
            history = history_of(of_one, METHOD[ActivityClasses], day)
            bounds = METHOD[RfmStandard].bounds_for(of_one[0].currency)
            assert bounds
            cells.append(cell(bounds, *rfm_columns(history, RFM_WINDOW_DAYS)) if history else 0)
        if any(cells):
            moves[of_one[0].currency, METHOD[RfmStandard].group(cells[0]).code, METHOD[RfmStandard].group(cells[1]).code] += 1
    return moves


async def test_s1_the_matrix_is_that_of_single_cells_for_whom_the_caller_may_see(database: Database) -> None:
    staff, outlet = uuid4(), uuid4()
    days = book(300)
    own = await store(database, days, staff, outlet)
    scopes = [
        (SYSTEM_SCOPE, days),
        (RowScope(ScopeKind.OUTLET, None, (outlet,)), days),
        (RowScope(ScopeKind.OWN, staff), {one: days[one] for one in own}),
        (RowScope(ScopeKind.OWN, uuid4()), {}),
    ]
    async with database.transaction(readonly=True) as uow:
        for scope, visible in scopes:
            found = await read_migrations(work_by("staff:1", uow, NOW, FIXED.calendar, scope), FIXED, BEFORE, AFTER)
            got = Counter(
                {(m.currency, move.from_group, move.to_group): move.customers for m in found.matrices for move in m.moves}
            )
            assert got == reference(visible)
            assert sum(m.customers for m in found.matrices) == got.total()
            assert {m.bounds_origin for m in found.matrices} <= {"standard:1:CNY", "standard:1:CZK"}
    assert len(reference(days)) > 20


async def test_s1_without_a_book_run_quintiles_have_no_bounds_and_it_is_said(database: Database) -> None:
    await store(database, book(20), uuid4(), uuid4())
    async with database.transaction(readonly=True) as uow:
        found = await read_migrations(work_by("staff:1", uow, NOW, METHOD.calendar), METHOD, BEFORE, AFTER)
        assert (found.matrices, found.without_bounds) == ([], ["CNY", "CZK"])
        for before, after in ((AFTER, AFTER), (AFTER, BEFORE), (BEFORE, date(2026, 11, 24))):
            with pytest.raises(InvalidInput):
                await read_migrations(work_by("staff:1", uow, NOW, METHOD.calendar), METHOD, before, after)


def test_s1_fixed_bands_of_the_standard_are_used_when_scoring() -> None:
    customer = uuid4()
    days = [DailyActivity(customer, AFTER - timedelta(days=n), "CNY", "card", 1, 0, -2_000_000) for n in (20, 9, 8)]
    models = ActiveModels(None, None, {})
    by_quintile = score_customer(METHOD, models, customer, days, [], AFTER, NOW)
    by_standard = score_customer(FIXED, models, customer, days, [], AFTER, NOW)
    assert by_quintile
    assert by_standard
    assert (by_quintile[0].rfm.cell, by_quintile[0].bands_version) == (None, "none")
    # 8 days ago: above 7, so the second best; 3 acts: above 2; 60,000.00 CNY: above 50,000.00.
    assert (by_standard[0].rfm.cell, by_standard[0].bands_version) == (424, "standard:1:CNY")
    assert by_standard[0].rfm.group == "potential_loyal"
    assert by_standard[0].lifetime == Lifetime()
