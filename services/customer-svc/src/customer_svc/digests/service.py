"""What is summed. scoring-svc and engagement-svc select the same texts from their own tables."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.digests.directory import DIRECTORY
from guanxi_common.digests.policy import Digested, in_text
from guanxi_common.digests.taking import Taken, Taking
from guanxi_common.messaging import outbox

from customer_svc.digests.events import DigestTaken
from customer_svc.facets.policy import Facet
from customer_svc.facets.service import EVENTS


def _of_facet(facet: Facet) -> Digested:
    """Who has the facet, and at which version: what the replicas' `guanxi_common.facets.digested_facet` sums."""
    rows = f"""
    SELECT f.customer_id::text AS key, concat_ws('|', f.customer_id, f.version) AS content
    FROM customer_facet f JOIN customer c ON c.id = f.customer_id WHERE f.facet = '{facet}' AND c.erased_at IS NULL
    """  # noqa: S608  # names of ours
    topic = EVENTS[facet].topic
    return Digested(topic, rows, topics=(topic,))


POSTINGS: Final = Digested(
    "bank.transactions",
    """
    SELECT a.customer_id::text AS key, concat_ws('|', a.customer_id, p.account_id, to_char(p.booked_on, 'YYYY-MM-DD'), p.amount_minor,
        p.currency, p.code, CASE p.state WHEN 'reversed' THEN 'reversed' END) AS content
    FROM posting p JOIN account a ON a.id = p.account_id JOIN customer c ON c.id = a.customer_id
    WHERE p.state IN ('posted', 'reversed') AND p.booked_on <= $1 AND c.erased_at IS NULL
    """,
    dated=True,
    topics=("bank.transactions", "customer.files"),  # an erasure comes by the second
)
DIGESTED: Final = (POSTINGS, *(_of_facet(facet) for facet in Facet), replace(DIRECTORY, topics=("directory.snapshots",)))


def taking(calendar: BusinessCalendar, clock: Clock, *, few_partitions: bool) -> Taking:
    """What customer-svc takes every hour. Postings count up to yesterday: what is booked today still comes in."""

    def now() -> tuple[datetime, date]:
        moment = clock.now()
        return moment, calendar.local_date(moment) - timedelta(days=1)

    return Taking(DIGESTED, tell, now, few_partitions=few_partitions)


async def tell(uow: UnitOfWork, taken: Taken, offsets: dict[str, int]) -> None:
    """One event a type."""
    for digested in DIGESTED:
        told = DigestTaken(
            digested=digested.type,
            taken_at=taken.taken_at,
            until=taken.until,
            sums=list(in_text(taken.sums[digested.type])),
            offsets={place: end for place, end in offsets.items() if place.rpartition("[")[0] in digested.topics},
        )
        await outbox.append(uow, told)
