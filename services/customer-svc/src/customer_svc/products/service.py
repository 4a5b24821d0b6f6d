"""Keep the catalogue, and tell of a version when it comes into force."""

from collections.abc import Sequence
from dataclasses import fields

from guanxi_common.db.rows import values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import FieldError, InvalidInput, NotFound
from guanxi_common.messaging import outbox
from guanxi_common.recovery.republication import Batch
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from customer_svc.products import policy, repository
from customer_svc.products.errors import AlreadyInCatalogue, BeginsInThePast, VersionsOverlap
from customer_svc.products.events import ProductSnapshot
from customer_svc.products.policy import Product, Terms
from customer_svc.products.repository import Due
from customer_svc.products.schemas import ProductCreation, ProductTerms

DUE_BATCH = 50


async def create_product(work: Work, creation: ProductCreation) -> Product:
    """Add a product with its first version and tell it at once: nothing is displaced, and nobody offers it before it begins.

    Raises `InvalidInput`, `AlreadyInCatalogue`.
    """
    terms = _terms(creation)
    wrong = policy.currency_error(creation.currency, terms.valid_from)
    await _check(work.uow, creation.code, terms, [wrong] if wrong else [])
    product = Product(creation.code, creation.family, creation.currency, 1, terms, work.person, work.now)
    if not await repository.insert_product(work.uow, product):
        raise AlreadyInCatalogue
    await outbox.append(work.uow, _snapshot(product), version=product.version)
    return product


async def publish_version(work: Work, code: str, new_terms: ProductTerms) -> Product:
    """Add the next version; it takes over on its first day, and is told then: at once if that is today.

    Raises `NotFound`, `StaleVersion`, `BeginsInThePast`, `VersionsOverlap`, `InvalidInput`.
    """
    newest = await repository.lock_product(work.uow, code)
    if newest is None:
        raise NotFound
    work.check_version(newest.version)
    terms = _terms(new_terms)
    await _check(work.uow, code, terms, [])
    if terms.valid_from < newest.terms.valid_from:
        raise VersionsOverlap
    if terms.valid_from < work.today:
        raise BeginsInThePast
    product = Product(code, newest.family, newest.currency, newest.version + 1, terms, work.person, work.now)
    await repository.add_version(work.uow, product)
    if terms.valid_from == work.today:
        await _publish(work.uow, product)
    return product


async def publish_due(work: Work, patience: Patience = USUAL) -> int:
    """Tell the versions that have come into force since they were stored; returns how many. A product fails alone."""

    async def take(only: Sequence[str] | None) -> list[Due]:
        return await repository.lock_due(work.uow, work.today, DUE_BATCH, work.now, only)

    async def publish(due: Sequence[Due]) -> None:
        for one in due:
            product = await repository.read_version(work.uow, one.code, one.version)
            assert product is not None  # noqa: S101  # versions are never deleted
            await _publish(work.uow, product)

    return await work_off(work.uow, repository.QUEUE, take, publish, key=lambda one: one.code, now=work.now, patience=patience)


async def publish_anew(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
    """Publish the snapshots of the next products by code, each in the version that was told last."""
    products = await repository.lock_published(uow, after, limit)
    for product in products:
        await outbox.append(uow, _snapshot(product), version=product.version)
    return Batch(len(products), products[-1].code if len(products) == limit else None)


async def _publish(uow: UnitOfWork, product: Product) -> None:
    await outbox.append(uow, _snapshot(product), version=product.version)
    await repository.mark_published(uow, product.code, product.version)


async def _check(uow: UnitOfWork, code: str, terms: Terms, errors: list[FieldError]) -> None:
    known = await repository.find_known(uow, policy.linked_codes(terms))
    errors = [*errors, *policy.term_errors(code, terms, known)]
    if errors:
        raise InvalidInput(errors=errors)


def _terms(terms: ProductTerms) -> Terms:
    given = terms.model_dump()
    return Terms(**{field.name: given[field.name] for field in fields(Terms)})


def _snapshot(product: Product) -> ProductSnapshot:
    return ProductSnapshot.model_validate(
        {
            "code": product.code,
            "version": product.version,
            "family": product.family,
            "currency": product.currency,
            **values_of(product.terms),
        }
    )
