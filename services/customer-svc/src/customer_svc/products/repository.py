"""The catalogue. It is the bank's, not a customer's: whoever may read it reads all of it, so no row scope is asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.set_aside import not_set_aside
from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from customer_svc.products.policy import Product, Terms
from customer_svc.products.tables import ProductRow, ProductVersionRow

_product = table_of(ProductRow)
_version = table_of(ProductVersionRow)

QUEUE = "publish-product"
"""The name of the queue for operators."""


@dataclass(frozen=True, slots=True)
class Due:
    """A version that has come into force and has not been told; `code` is locked by the transaction."""

    code: str
    version: int


async def insert_product(uow: UnitOfWork, product: Product) -> bool:
    """Store a new product with its first version, told by the caller; False where the code is taken."""
    values = {
        "code": product.code,
        "family": product.family,
        "currency": product.currency,
        "version": product.version,
        "published_version": product.version,
    }
    statement = pg_insert(_product).values(values).on_conflict_do_nothing(index_elements=["code"])
    if (await uow.execute(statement.returning(_product.c.code))).first() is None:
        return False
    await _insert_version(uow, product)
    return True


async def add_version(uow: UnitOfWork, product: Product) -> None:
    """Store the next version of a product that the transaction holds locked."""
    await _insert_version(uow, product)
    await uow.execute(update(_product).where(_product.c.code == product.code).values(version=product.version))


async def mark_published(uow: UnitOfWork, code: str, version: int) -> None:
    await uow.execute(update(_product).where(_product.c.code == code).values(published_version=version))


async def lock_product(uow: UnitOfWork, code: str) -> Product | None:
    """The newest version, with the product locked."""
    # The lock first, in a statement of its own: one that waited for it would still see the version of before.
    await uow.execute(select(_product.c.code).where(_product.c.code == code).with_for_update())
    return await read_product(uow, code)


async def read_product(uow: UnitOfWork, code: str, as_of: date | None = None) -> Product | None:
    """The newest version; with `as_of` the one offered on that day, None where none was."""
    row = (await uow.execute(_products(as_of).where(_product.c.code == code))).mappings().first()
    return _product_of(row) if row else None


async def read_version(uow: UnitOfWork, code: str, version: int) -> Product | None:
    statement = _joined().where(_product.c.code == code, _version.c.version == version)
    row = (await uow.execute(statement)).mappings().first()
    return _product_of(row) if row else None


async def list_products(
    uow: UnitOfWork, *, family: str | None, as_of: date | None, past: tuple[str] | None, limit: int
) -> list[Product]:
    """Products by code, each in its newest version, or with `as_of` in the one offered on that day."""
    order = (_product.c.code,)
    statement = _products(as_of).where(after(order, past)).order_by(*order).limit(limit)
    if family is not None:
        statement = statement.where(_product.c.family == family)
    return [_product_of(row) for row in (await uow.execute(statement)).mappings()]


async def find_known(uow: UnitOfWork, codes: Collection[str]) -> set[str]:
    """Those of the codes that the catalogue has."""
    found = await uow.execute(select(_product.c.code).where(_product.c.code.in_(codes)))
    return set(found.scalars())


async def lock_due(uow: UnitOfWork, today: date, limit: int, now: datetime, only: Sequence[str] | None = None) -> list[Due]:
    """The versions that are in force today and untold, of the codes `only`, at most one a product; a product that another locks is left
    to it."""
    of_whom = not_set_aside(QUEUE, _product.c.code, now) if only is None else _product.c.code.in_(only)
    begun = (
        select(func.max(_version.c.version))
        .where(_version.c.code == _product.c.code, _version.c.valid_from <= today)
        .correlate(_product)
        .scalar_subquery()
    )
    statement = (
        select(_product.c.code, begun.label("version"))
        .where(_product.c.version > _product.c.published_version, begun > _product.c.published_version, of_whom)
        .order_by(_product.c.code)
        .limit(limit)
        .with_for_update(of=_product, skip_locked=True)
    )
    return [Due(row.code, row.version) for row in await uow.execute(statement)]


async def lock_published(uow: UnitOfWork, after_code: str | None, limit: int) -> list[Product]:
    """Products by code, locked, each in the version that was told last."""
    # As in `lock_product`: the lock first, in a statement of its own.
    codes = select(_product.c.code).where(_product.c.code > (after_code or "")).order_by(_product.c.code).limit(limit)
    locked = list((await uow.execute(codes.with_for_update())).scalars())
    told = _joined().where(_product.c.code.in_(locked), _version.c.version == _product.c.published_version)
    return [_product_of(row) for row in (await uow.execute(told.order_by(_product.c.code))).mappings()]


def _joined() -> Select[Any]:
    shown = (column for column in _version.c if column.name != "code")
    return select(_product.c.code, _product.c.family, _product.c.currency, *shown).join(
        _version, _version.c.code == _product.c.code
    )


def _products(as_of: date | None) -> Select[Any]:
    if as_of is None:
        return _joined().where(_version.c.version == _product.c.version)
    later = _version.alias("later")
    in_force = (
        select(func.max(later.c.version))
        .where(later.c.code == _product.c.code, later.c.valid_from <= as_of)
        .correlate(_product)
        .scalar_subquery()
    )
    return _joined().where(_version.c.version == in_force, func.coalesce(_version.c.valid_to, as_of) >= as_of)


async def _insert_version(uow: UnitOfWork, product: Product) -> None:
    row = {"code": product.code, "version": product.version, **values_of(product.terms)}
    await uow.execute(insert(_version).values(**row, recorded_by=product.recorded_by, recorded_at=product.recorded_at))


def _product_of(row: Mapping[Any, Any]) -> Product:
    known = {name: row[name] for name in ("code", "family", "currency", "version", "recorded_by", "recorded_at")}
    return Product(**known, terms=read_as(Terms, row))
