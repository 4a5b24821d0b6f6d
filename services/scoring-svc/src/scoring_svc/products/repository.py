"""The replica of the catalogue."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Version

from scoring_svc.products.policy import Product


async def apply_products(uow: UnitOfWork, products: Sequence[tuple[str, Version, Mapping[str, Any]]]) -> None:
    """Insert, or replace unless the replica is newer: (code, version, the snapshot)."""
    await uow.driver.executemany(
        "INSERT INTO product AS kept (code, epoch, version, detail) VALUES ($1, $2, $3, $4) ON CONFLICT (code) DO UPDATE SET"
        " epoch = EXCLUDED.epoch, version = EXCLUDED.version, detail = EXCLUDED.detail"
        " WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [(code, *version, json.dumps(detail, ensure_ascii=False)) for code, version, detail in products],
    )


async def remove_products(uow: UnitOfWork, codes: Collection[str]) -> None:
    await uow.driver.execute("DELETE FROM product WHERE code = ANY($1::text[])", list(codes))


async def read_catalogue(uow: UnitOfWork) -> tuple[Product, ...]:
    """Every product, by code; what a snapshot carries beyond `Product` is left alone."""
    rows = await uow.driver.fetch("SELECT detail FROM product ORDER BY code")
    return tuple(msgspec.convert(row["detail"], Product) for row in rows)
