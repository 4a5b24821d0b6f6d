"""Open a case instead of a second file, and close it."""

from dataclasses import replace
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.ids import new_id
from guanxi_common.security.audit import repository as audit
from guanxi_common.work import Work

from customer_svc.match_cases import policy, repository
from customer_svc.match_cases.errors import CaseClosed, IdentityKnown, TooManyMatches
from customer_svc.match_cases.metrics import MATCHES
from customer_svc.match_cases.policy import MatchCase
from customer_svc.match_cases.schemas import CaseDecision


async def hold_limit(work: Work) -> None:
    """Raise `TooManyMatches` where the caller has met ten files today; until the end the caller's other attempts wait."""
    if policy.is_over_limit(await repository.lock_count(work.uow, work.actor, work.today)):
        MATCHES.labels("over_limit").inc()
        raise TooManyMatches


async def refuse_second_file(work: Work, customer_id: UUID) -> None:
    """Raise `IdentityKnown` with the number of the case, which is kept. `hold_limit` was called before."""
    case = await repository.open_case(work.uow, new_id(), customer_id, work.actor, work.now)
    await repository.raise_count(work.uow, work.actor, work.today)
    await audit.record(work.uow, work.audit, customer_id, ("match_case",))
    MATCHES.labels("told").inc()
    raise IdentityKnown(case.case_number)


async def close_case(work: Work, case_id: UUID, decision: CaseDecision) -> MatchCase:
    """Keep what the data desk found. Raises `NotFound`, `CaseClosed`."""
    case = await repository.read_case(work.uow, case_id, lock=True)
    if case is None:
        raise NotFound
    if case.outcome is not None:
        raise CaseClosed
    closed = replace(case, outcome=decision.outcome, note=decision.note, closed_by=work.actor, closed_at=work.now)
    await repository.store_decision(work.uow, closed)
    return closed
