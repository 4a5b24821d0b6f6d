"""D7: the customer travels in facets, each told only when it changes, at a version of its own; bulk writers and the erasure keep order."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from customer_svc.book import repository as books
from customer_svc.book.policy import Interval
from customer_svc.erasures.service import complete_erasures
from customer_svc.facets import service as facets
from customer_svc.facets.events import CustomerFile
from customer_svc.facets.policy import AT_REGISTRATION, Facet
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.records import Erasure
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.fields import Place, unseal_json

pytestmark = pytest.mark.anyio


class Keys:
    async def delete(self, customer_id: Any) -> None:
        """Nothing to destroy here."""


async def tell(desk: Any, *told: Facet) -> None:
    await desk.write(lambda uow: facets.tell(uow, [desk.customer], told, {desk.customer: desk.keys.key}))


async def erase(desk: Any) -> None:
    await desk.write(lambda uow: complete_erasures(uow, Keys(), [Erasure(desk.customer, desk.now)]))  # type: ignore[arg-type]  # all that it asks of a key store


async def test_d7_each_facet_counts_by_itself_and_carries_its_part_alone(desk: Any) -> None:
    await tell(desk, *AT_REGISTRATION)
    await tell(desk, Facet.BOOK)
    await tell(desk, Facet.BOOK, Facet.AGREEMENTS)
    told = await desk.facets()
    assert sorted((kind, version) for kind, version, _ in told) == [
        ("agreements", 1),
        ("agreements", 2),
        ("book", 1),
        ("book", 2),
        ("book", 3),
        ("file", 1),
    ]
    parts = {kind: set(data) for kind, _, data in told}
    assert parts == {
        "file": {"customer_id", "customer_type", "outlet_id", "language", "sealed"},
        "agreements": {"customer_id", "consents", "preferred_channels"},
        "book": {"customer_id", "assignments"},
    }
    [(_, _, file)] = await desk.facets("file")
    sealed = unseal_json(file["sealed"], desk.keys.key, Place(CustomerFile.topic, "sealed", desk.customer))
    assert sealed == {"display_name": "王伟", "birth_date": None}


async def test_d7_many_customers_are_told_in_a_row_of_the_outbox_for_each_shard(desk: Any) -> None:
    others = [uuid4() for _ in range(60)]

    async def add(uow: UnitOfWork) -> None:
        for number, customer_id in enumerate(others):
            await desk.add_customer(uow, customer_id, f"other {number}")
        await facets.tell(uow, others, [Facet.CLASSIFICATION])

    await desk.write(add)
    rows = await desk.fetch("SELECT topic, payload FROM outbox")
    assert len(rows) <= 16
    told = [record.key.decode() for row in rows for record in unpack(row["topic"], row["payload"])]
    assert sorted(told) == sorted(map(str, others))


async def test_d7_a_book_has_its_past_and_what_is_to_come(desk: Any) -> None:
    outlet, day = uuid4(), timedelta(days=1)
    rms = [uuid4() for _ in range(3)]
    starts = [desk.now - 30 * day, desk.now - day, desk.now + day]
    intervals = [Interval("primary_rm", rm, outlet, *span) for rm, *span in zip(rms, starts, [*starts[1:], None], strict=True)]
    await desk.write(lambda uow: books.write_book(uow, desk.customer, intervals, 2))
    await tell(desk, Facet.BOOK)
    [(_, _, book)] = await desk.facets("book")
    assert [one["staff_id"] for one in book["assignments"]] == [str(rm) for rm in rms]


async def test_d7_an_erasure_ends_each_facet_by_a_tombstone_at_its_next_version_and_nothing_follows(desk: Any) -> None:
    await tell(desk, *AT_REGISTRATION)
    await tell(desk, Facet.BOOK)
    before = len(await desk.facets())
    await erase(desk)
    tombstones = (await desk.facets())[before:]
    assert sorted(tombstones) == [("agreements", 2, {}), ("book", 3, {}), ("file", 2, {})]
    await tell(desk, *Facet)
    await desk.write(lambda uow: facets.tell_again(uow, [desk.customer], list(Facet), {desk.customer: desk.keys.key}))
    assert len(await desk.facets()) == before + 3


async def test_d7_writers_of_one_facet_and_an_erasure_at_once_leave_contiguous_versions_and_the_tombstone_last(desk: Any) -> None:
    """The erasure waits for a bulk writer that holds the customer, and later ones find nobody."""

    async def bulk() -> None:
        for _ in range(5):
            await tell(desk, Facet.CLASSIFICATION)

    await tell(desk, Facet.CLASSIFICATION)
    await asyncio.gather(bulk(), bulk(), bulk(), erase(desk))
    told = await desk.facets("classification")
    assert [version for _, version, _ in told] == list(range(1, len(told) + 1))
    assert [data == {} for _, _, data in told] == [False] * (len(told) - 1) + [True]
