"""Read what a customer's postings add up to."""

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.security.directory.scope import customer_is_visible
from guanxi_common.work import Work

from scoring_svc.activity import repository
from scoring_svc.activity.policy import ClassSum, Figures, WindowSum, arrange
from scoring_svc.activity.schemas import (
    ActivityClassOut,
    ActivityOut,
    BalanceOut,
    ClassActivityOut,
    FiguresOut,
    ProductActivityOut,
    WindowActivityOut,
)
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.policy import WINDOWS, ActivityClasses
from scoring_svc.method import Method, day_asked


async def read_activity(
    work: Work, method: Method, customer_id: UUID, *, as_of: date | None, known_at: datetime | None
) -> ActivityOut:
    """The sums on a business date (default: today), by what was known at an instant (default: now).

    The same `as_of` and `known_at` give the same answer, whatever comes later. Raises `NotFound` for a customer out of scope, and
    `InvalidInput` for what is to come.
    """
    if not await customer_is_visible(work.uow, work.scope, customer_id, work.now):
        raise NotFound
    day = day_asked(method, work.now, as_of, known_at)
    groups = await repository.read_sums(work, customer_id, day, WINDOWS, known_at)
    return ActivityOut(
        customer_id=customer_id,
        as_of=day,
        known_at=known_at or work.now,
        balances=await _balances(work.uow, customer_id, day, known_at),
        classes=[
            _class_out(method[ActivityClasses], code)
            for code in sorted({group.activity_class for group in groups if group.activity_class is not None})
        ],
        windows=[_window_out(one, day) for one in arrange(groups)],
    )


async def _balances(uow: UnitOfWork, customer_id: UUID, as_of: date, known_at: datetime | None) -> list[BalanceOut]:
    if known_at is None:
        days = await ledger.read_days(uow, [customer_id], until=as_of)
    else:
        days = await ledger.read_days_known_at(uow, [customer_id], until=as_of, known_at=known_at)
    reported = await ledger.read_reported(uow, customer_id, until=as_of, known_at=known_at)
    balances = Counter[str](dict.fromkeys(reported, 0))
    for day in days.get(customer_id, []):
        balances[day.currency] += day.credit_minor + day.debit_minor
    return [
        BalanceOut(currency=currency, balance_minor=balance, reported_accounts=accounts, reported_on=last)
        for currency, balance in sorted(balances.items())
        for accounts, last in (reported.get(currency, (0, None)),)
    ]


def _class_out(classes: ActivityClasses, code: str) -> ActivityClassOut:
    name = classes.name(code)
    return ActivityClassOut(code=code, en=name.en, zh=name.zh, customer_initiated=code in classes.customer_initiated)


def _window_out(window: WindowSum, as_of: date) -> WindowActivityOut:
    return WindowActivityOut(
        currency=window.currency,
        window_days=window.window_days,
        first_day=as_of - timedelta(days=window.window_days - 1),
        total=_figures(window.total),
        by_class=_classes(window.by_class),
        by_product=[
            ProductActivityOut(product_code=one.product_code, total=_figures(one.total), by_class=_classes(one.by_class))
            for one in window.by_product
        ],
    )


def _classes(sums: tuple[ClassSum, ...]) -> list[ClassActivityOut]:
    return [ClassActivityOut(activity_class=one.activity_class, figures=_figures(one.figures)) for one in sums]


def _figures(found: Figures) -> FiguresOut:
    return FiguresOut(
        count=found.count,
        inflow_minor=found.inflow_minor,
        outflow_minor=found.outflow_minor,
        active_days=found.active_days,
        last_on=found.last_on,
    )
