"""Compare core's day totals with ours."""

from guanxi_common.security.principal import SourceNotYours
from guanxi_common.work import Work

from customer_svc.reconciliations import policy, repository
from customer_svc.reconciliations.policy import LedgerState
from customer_svc.reconciliations.repository import Total
from customer_svc.reconciliations.schemas import DayResult, DayTotal, LedgerResult, ReconciliationRequest, ReconciliationResult

_NOTHING = Total(0, 0, 0)


async def reconcile(work: Work, request: ReconciliationRequest) -> ReconciliationResult:
    """Answer day by day; raises `SourceNotYours`.

    What we hold for a reported day in a currency that core did not name is added as a difference.
    """
    if not work.scope.speaks_for(request.source):
        raise SourceNotYours
    dates = {day.booked_on for day in request.days}
    ours = await repository.day_totals(work.uow, request.source, dates)
    reported = {(day.booked_on, day.currency): day for day in request.days}
    for key in ours.keys() - reported.keys():
        reported[key] = DayTotal(booked_on=key[0], currency=key[1], count=0, sum=0)
    ledger = policy.ledger_state(await repository.read_ledger_comparison(work.uow))
    days = [_compare(day, ours.get(key, _NOTHING), ledger) for key, day in sorted(reported.items())]
    return ReconciliationResult(
        source=request.source,
        status="matched" if all(day.status == "matched" for day in days) else "differs",
        days=days,
        held_reversals=await repository.held_reversals(work.uow, request.source, dates),
        ledger=LedgerResult(status=ledger.status, as_of=ledger.as_of, compared_at=ledger.compared_at),
    )


def _compare(reported: DayTotal, ours: Total, ledger: LedgerState) -> DayResult:
    return DayResult(
        booked_on=reported.booked_on,
        currency=reported.currency,
        status="matched" if (reported.count, reported.sum) == (ours.count, ours.sum) else "differs",
        reported_count=reported.count,
        our_count=ours.count,
        reported_sum=reported.sum,
        our_sum=ours.sum,
        parked=ours.parked,
        ledger=ledger.on(reported.booked_on),
    )
