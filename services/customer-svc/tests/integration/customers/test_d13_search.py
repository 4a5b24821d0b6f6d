"""D13: names in the database: found through the index, and indexed anew where their terms are of an older version."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from customer_svc.customers import repository, service
from customer_svc.customers.names import query_terms
from customer_svc.customers.repository import Criteria, Customer
from customer_svc.customers.sealing import SealedContact
from guanxi_common.security.directory import repository as directory
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.set_aside.repository import list_items
from guanxi_testing.poison import mend, poison

pytestmark = pytest.mark.anyio


async def file(desk: Any, name: str) -> UUID:
    customer_id, outlet, start = uuid4(), uuid4(), desk.now - timedelta(days=30)
    customer = Customer(
        customer_id, "core", uuid4().hex, "individual", name, None, None, "zh-CN", outlet, "reported", 1, start, start
    )

    async def insert(uow: Any) -> None:
        await repository.insert_customer(uow, customer, SealedContact(customer_id))
        await directory.apply_books(uow, [Book(customer_id, (Assignment("primary_rm", desk.rm, outlet, start),), 1)])

    await desk.write(insert)
    return customer_id


async def found(desk: Any, query: str) -> list[str]:
    criteria = Criteria(name_terms=query_terms(query))
    rows = await desk.write(lambda uow: repository.search_customers(uow, desk.scope, criteria, desk.now, past=None, limit=50))
    return [row.name for row in rows]


async def test_d13_every_word_must_match_by_one_of_its_alternatives(desk: Any) -> None:
    for name in ("李晓明", "李小龙", "欧阳娜娜", "José García"):
        await file(desk, name)
    assert await found(desk, "LI XIAOMING") == ["李晓明"]
    assert await found(desk, "lix") == ["李小龙", "李晓明"]
    assert await found(desk, "li garcia") == []
    assert await found(desk, "garcia jose") == ["José García"]
    assert await found(desk, "娜娜 ouyang") == ["欧阳娜娜"]


async def test_d13_a_changed_name_is_found_by_its_new_terms_only(desk: Any) -> None:
    async def rename(uow: Any) -> None:
        known = await repository.read_customer(uow, desk.scope, desk.customer, desk.now, lock=True)
        assert known is not None
        customer, contact = known
        changed = Customer(**{**{name: getattr(customer, name) for name in Customer.__slots__}, "name": "赵敏"})
        await repository.update_customer(uow, changed, contact)

    assert await found(desk, "wangwei") == ["王伟"]
    await desk.write(rename)
    assert await found(desk, "wangwei") == []
    assert await found(desk, "zm") == ["赵敏"]


async def test_d13_older_terms_are_replaced_a_bounded_part_at_a_time(desk: Any) -> None:
    for name in ("李晓明", "李小龙"):
        await file(desk, name)
    await desk.write(lambda uow: uow.driver.execute("UPDATE customer SET name_terms = '{old}', terms_version = 1"))
    assert await found(desk, "lixm") == []
    done = [await desk.write(lambda uow: service.index_names(desk.system(uow), limit=2)) for _ in range(3)]
    assert done == [2, 1, 0]
    assert await found(desk, "lixm") == ["李晓明"]
    assert await found(desk, "王wei") == ["王伟"]


async def test_d18_a_name_that_cannot_be_indexed_anew_fails_alone(desk: Any) -> None:
    bad = await file(desk, "李晓明")
    await file(desk, "李小龙")
    await desk.write(lambda uow: uow.driver.execute("UPDATE customer SET name_terms = '{old}', terms_version = 1"))
    await desk.write(lambda uow: poison(uow, "customer", "id", bad))
    assert await desk.write(lambda uow: service.index_names(desk.system(uow))) == 3
    assert (await found(desk, "lixl"), await found(desk, "lixm")) == (["李小龙"], [])
    [failed] = await desk.write(lambda uow: list_items(uow, set_aside_only=False, queue="index-name", position=None, limit=9))
    assert failed.item == str(bad)
    await desk.write(mend)
    desk.now += timedelta(seconds=31)
    assert await desk.write(lambda uow: service.index_names(desk.system(uow))) == 1
    assert await found(desk, "lixm") == ["李晓明"]
