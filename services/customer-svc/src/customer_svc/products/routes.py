"""The product catalogue over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query
from guanxi_common.db.rows import values_of
from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.products import repository, service
from customer_svc.products.policy import Product
from customer_svc.products.schemas import CODE, Family, ProductCreation, ProductOut, ProductTerms

products = router("products")

_TERMS: dict[str, Any] = {
    "name": {"zh": "一年期定期存款", "en": "One-year term deposit"},
    "risk_class": 1,
    "margin_bp": 90,
    "valid_from": "2026-11-25",
    "valid_to": None,
    "price": {"zh": "年利率1.45%", "en": "1.45 % a year"},
    "eligibility": {
        "customer_types": ["individual"],
        "min_age": 18,
        "max_age": None,
        "min_history_days": 90,
        "min_balance_minor": 1_000_000,
    },
    "consent_purpose": "marketing",
    "links": [{"kind": "complements", "product_code": "CURRENT"}],
    "holds_from_account_codes": ["TERM_12M"],
    "talking_points": {"zh": "先问何时用钱，再谈期限。", "en": "First ask when the money is needed, then speak of the term."},
}
_CREATION = {"code": "DEP-12M", "family": "deposit", "currency": "CNY", **_TERMS}
_PRODUCT = {
    **_CREATION,
    "version": 1,
    "recorded_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "recorded_at": "2026-11-25T01:00:00Z",
}
_DEARER = {**_TERMS, "valid_from": "2027-01-01", "price": {"zh": "年利率1.60%", "en": "1.60 % a year"}}

ProductCode = Annotated[str, Path(pattern=CODE)]
AsOf = Annotated[date | None, Query(description="Business date; default: the newest version, begun or not.")]


@products.post(
    "/v1/products",
    operation_id="createProduct",
    summary="Add a product to the catalogue (产品)",
    **documented(ProductOut, _PRODUCT, status=201, request=_CREATION),
)
async def create_product(body: ProductCreation, call: Annotated[Call, permission("product.write")]) -> Response:
    async with call.write() as write:
        product = await service.create_product(write.work, body)
        await audit.record(write.uow, write.audit, product.code, body.model_fields_set, subject_type="product")
        return await write.reply(201, _out(product), etag=product.version, location=f"/v1/products/{product.code}")


@products.post(
    "/v1/products/{code}/versions",
    operation_id="publishProductVersion",
    summary="Add the next version, in full; it takes over on its first day (产品新版本)",
    description="`If-Match` names the newest version. Versions begin in order and today at the earliest; each ends the one before "
    "it. A version with `valid_to` withdraws the product after that day.",
    **documented(ProductOut, {**_PRODUCT, **_DEARER, "version": 2}, status=201, request=_DEARER),
)
async def publish_product_version(
    code: ProductCode, body: ProductTerms, call: Annotated[Call, permission("product.write", if_match=True)]
) -> Response:
    async with call.write() as write:
        product = await service.publish_version(write.work, code, body)
        await audit.record(write.uow, write.audit, product.code, body.model_fields_set, subject_type="product")
        return await write.reply(201, _out(product), etag=product.version, location=f"/v1/products/{product.code}")


@products.get(
    "/v1/products",
    operation_id="listProducts",
    summary="List products by code",
    **documented(Page[ProductOut], {"data": [_PRODUCT], "next_cursor": None}),
)
async def list_products(
    paging: Paging,
    call: Annotated[Call, permission("product.read")],
    family: Family | None = None,
    as_of: Annotated[date | None, Query(description="Business date: only what is offered on it, as it is then.")] = None,
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_products(read.uow, family=family, as_of=as_of, past=past, limit=paging.limit + 1)
        return read.reply(page_of(found, paging, cursor, key=lambda product: (product.code,), item=_out))


@products.get(
    "/v1/products/{code}",
    operation_id="readProduct",
    summary="Read a product, as it is or as it is offered on a date",
    **documented(ProductOut, _PRODUCT),
)
async def read_product(code: ProductCode, call: Annotated[Call, permission("product.read")], as_of: AsOf = None) -> Response:
    async with call.read() as read:
        product = await repository.read_product(read.uow, code, as_of)
        if product is None:
            raise NotFound
        # Only the newest version's tag is worth sending back in If-Match.
        return read.reply(_out(product), etag=product.version if as_of is None else None)


def _out(product: Product) -> ProductOut:
    return ProductOut.model_validate(
        {
            "code": product.code,
            "family": product.family,
            "currency": product.currency,
            "version": product.version,
            **values_of(product.terms),
            "recorded_by": product.recorded_by,
            "recorded_at": product.recorded_at,
        }
    )
