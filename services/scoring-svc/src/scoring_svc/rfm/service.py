"""Who moved between RFM groups from one date to another."""

from datetime import date

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import InvalidInput, Text
from guanxi_common.work import Work

from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.method import EARLIEST, Method
from scoring_svc.rfm import repository
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS, RfmBounds, RfmStandard, migration
from scoring_svc.rfm.schemas import RfmGroupOut, RfmMatrixOut, RfmMigrationOut, RfmMoveOut


async def read_migrations(work: Work, method: Method, before: date, after: date) -> RfmMigrationOut:
    """The moves of the customers in scope, under the bounds that are in force now, on both dates: else a customer who changed nothing
    would move because others did. Raises `InvalidInput` unless before < after <= today."""
    if not EARLIEST <= before < after <= work.today:
        raise InvalidInput(Text("from lies before to, and to not in the future.", "from 须早于 to，且 to 不得在将来。"))
    bounds = await _bounds_in_force(work.uow, method)
    found = await repository.count_moves(work, before, after, RFM_WINDOW_DAYS, method[ActivityClasses].customer_initiated, bounds)
    groups = (*method[RfmStandard].groups, method[RfmStandard].no_activity)
    return RfmMigrationOut(
        from_date=before,
        to_date=after,
        window_days=RFM_WINDOW_DAYS,
        standard_version=method[RfmStandard].version,
        groups=[RfmGroupOut(code=group.code, zh=group.zh, en=group.en) for group in groups],
        matrices=[
            _matrix(currency, bounds[currency], migration(method[RfmStandard], moves))
            for currency, moves in found.items()
            if moves is not None
        ],
        without_bounds=[currency for currency, moves in found.items() if moves is None],
    )


async def _bounds_in_force(uow: UnitOfWork, method: Method) -> dict[str, RfmBounds]:
    frozen = await repository.read_newest_bounds(uow)
    currencies = sorted({*frozen, *(bands.currency for bands in method[RfmStandard].fixed_bands)})
    known = {currency: method[RfmStandard].bounds_in_force(currency, frozen) for currency in currencies}
    return {currency: bounds for currency, bounds in known.items() if bounds is not None}


def _matrix(currency: str, bounds: RfmBounds, moved: dict[tuple[str, str], int]) -> RfmMatrixOut:
    return RfmMatrixOut(
        currency=currency,
        bounds_origin=bounds.origin,
        customers=sum(moved.values()),
        moves=[RfmMoveOut(from_group=old, to_group=new, customers=customers) for (old, new), customers in moved.items()],
    )
