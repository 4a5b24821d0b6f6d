"""The customer file over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, Permission, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.hot_route import hot_route, id_in_path, id_parameter
from guanxi_common.http.pagination import Page, PageRequest, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.text import masked
from starlette.responses import Response

from customer_svc.customers import repository, service
from customer_svc.customers.metrics import SEARCHES
from customer_svc.customers.repository import Customer
from customer_svc.customers.schemas import (
    ContactOut,
    CustomerChange,
    CustomerOut,
    CustomerRegistration,
    CustomerSearch,
    CustomerSummary,
    IdentityDocumentOut,
    Reference,
    RevealedIdentity,
    RevealRequest,
)
from customer_svc.customers.sealing import Contact, open_contact
from customer_svc.customers.service import FileRules
from customer_svc.parts import parts_of

customers = router("customers")

_ID = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10"
_OUTLET = "5d0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f00"
_REGISTRATION = {
    "reference": {"source": "core", "customer_number": "100234"},
    "customer_type": "individual",
    "name": "Wang Wei",
    "outlet_id": _OUTLET,
    "identity_document": {"kind": "passport", "number": "E12345678"},
    "phones": ["+86 139 1234 5678"],
    "birth_date": "1980-05-17",
    "sex": "male",
    "language": "en",
}
_REGISTRATION_ZH = {
    **_REGISTRATION,
    "name": "王伟",
    "identity_document": {"kind": "resident_id", "number": "11010519491231002X"},
    "address": "北京市朝阳区建国路 1 号",
    "birth_date": "1949-12-31",
    "language": "zh-CN",
}
_CUSTOMER = {
    "id": _ID,
    "reference": {"source": "core", "customer_number": "100234"},
    "customer_type": "individual",
    "name": "王伟",
    "outlet_id": _OUTLET,
    "identity_document": {"kind": "resident_id", "number": "**************002X"},
    "contact": {"phones": ["+8613912345678"], "email": None, "address": "北京市朝阳区建国路 1 号"},
    "birth_date": "1949-12-31",
    "sex": "male",
    "language": "zh-CN",
    "data_origin": "reported",
    "version": 1,
    "created_at": "2026-11-23T02:00:00Z",
    "updated_at": "2026-11-23T02:00:00Z",
}
_SUMMARY = {key: _CUSTOMER[key] for key in ("id", "reference", "customer_type", "name", "outlet_id")}

PERSONAL_FIELDS = ("name", "identity_document", "birth_date", "sex")
CONTACT_FIELDS = ("phones", "email", "address")


@customers.post(
    "/v1/customers",
    operation_id="registerCustomer",
    summary="Open a customer file (建立客户档案)",
    **documented(CustomerOut, _CUSTOMER, status=201, request=_REGISTRATION, request_zh=_REGISTRATION_ZH),
)
async def register_customer(body: CustomerRegistration, call: Annotated[Call, permission("customer.register")]) -> Response:
    async with call.write() as write:
        customer, contact = await service.register_customer(write.work, _rules(call), body)
        await audit.record(write.uow, write.audit, customer.id, sorted(body.model_fields_set))
        location = f"/v1/customers/{customer.id}"
        return await write.reply(201, customer_out(customer, contact, call), etag=customer.version, location=location)


@hot_route(
    "GET",
    "/v1/customers/{customer_id}",
    permission=Permission("customer.read"),
    operation_id="readCustomer",
    tag="customers",
    summary="Read a customer file",
    response=CustomerOut,
    response_example=_CUSTOMER,
    parameters=[id_parameter("customer_id")],
)
async def read_customer(call: Call) -> Response:
    customer_id = id_in_path(call, "customer_id")
    async with call.read(one_statement=True) as read:
        shown = _fields_shown(call, customer_id)
        found = await repository.read_audited(read.uow, read.scope, customer_id, read.now, read.audit, shown)
    if found is None:
        raise NotFound
    # After the connection is given back: a key that is not at hand is fetched over another one.
    customer, sealed = found
    contact = open_contact(sealed, await parts_of(call).keys.get(customer_id))
    return read.reply(customer_out(customer, contact, call), etag=customer.version)


@customers.patch(
    "/v1/customers/{customer_id}",
    operation_id="changeCustomer",
    summary="Change a customer file (merge patch)",
    **documented(CustomerOut, _CUSTOMER, request={"phones": ["+86 138 0000 1111"]}, request_zh={"name": "王维"}),
)
async def change_customer(
    customer_id: UUID, body: CustomerChange, call: Annotated[Call, permission("customer.change")]
) -> Response:
    async with call.write() as write:
        customer, contact = await service.change_customer(write.work, _rules(call), customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, sorted(body.model_fields_set))
        return await write.reply(200, customer_out(customer, contact, call), etag=customer.version)


@customers.post(
    "/v1/customers:search",
    operation_id="searchCustomers",
    summary="Search customers by name, pinyin, phone, identity document, outlet or RM",
    **documented(
        Page[CustomerSummary],
        {"data": [_SUMMARY], "next_cursor": None},
        request={"phone": "+8613912345678"},
        request_zh={"name": "王"},
    ),
)
async def search_customers(
    body: CustomerSearch, call: Annotated[Call, permission("customer.search", rate="search", idempotent=False)]
) -> Response:
    criteria = service.criteria_of(body, parts_of(call).indexes)
    cursor = call.cursor(body.model_dump(mode="json", exclude={"limit", "cursor"}))
    past = cursor.decode(body.cursor)
    async with call.read() as read:
        found = await repository.search_customers(
            read.uow,
            read.scope,
            criteria,
            read.now,
            past=past,
            limit=body.limit + 1,
        )
        page = page_of(found, PageRequest(body.limit, body.cursor), cursor, key=lambda c: (c.name, c.id), item=_summary)
        outcome = "found" if page.data else "fruitless"
        await audit.record(read.uow, read.audit, outcome, service.asked_for(body), subject_type="search")
        await audit.record_many(read.uow, read.audit, [customer.id for customer in page.data], ("name",))
        SEARCHES.labels(outcome).inc()
        return read.reply(page)


@customers.post(
    "/v1/customers/{customer_id}:reveal",
    operation_id="revealIdentity",
    summary="Show the identity number in full, for a stated reason",
    **documented(
        RevealedIdentity,
        {"customer_id": _ID, "identity_document": {"kind": "resident_id", "number": "11010519491231002X"}},
        request={"reason": "The customer opens a time deposit and shows the card."},
        request_zh={"reason": "客户办理定期存款，核对身份证件。"},
    ),
)
async def reveal_identity(
    customer_id: UUID,
    body: RevealRequest,
    call: Annotated[Call, permission("customer.reveal", rate="reveal", idempotent=False)],
) -> Response:
    parts = parts_of(call)
    async with call.read() as read:
        found = await repository.read_customer(read.uow, read.scope, customer_id, read.now)
        if found is None:
            raise NotFound
        key = await parts.keys.get(customer_id)
        identity = open_contact(found[1], key).identity
        await audit.record(read.uow, read.audit, customer_id, ("identity_document",), reason=audit.Reason(body.reason, key))
        document = IdentityDocumentOut(kind=identity.kind, number=identity.number) if identity else None
        return read.reply(RevealedIdentity(customer_id=customer_id, identity_document=document))


def _rules(call: Call) -> FileRules:
    parts = parts_of(call)
    return FileRules(parts.keys, parts.indexes)


def customer_out(customer: Customer, contact: Contact, call: Call) -> CustomerOut:
    """The file as this caller may see it (C4): contact points by permission, the identity number masked for everybody."""
    identity = contact.identity
    return CustomerOut(
        id=customer.id,
        reference=Reference(source=customer.source, customer_number=customer.customer_number),
        customer_type=customer.customer_type,
        name=customer.name,
        outlet_id=customer.outlet_id,
        identity_document=(IdentityDocumentOut(kind=identity.kind, number=masked(identity.number)) if identity else None),
        contact=(
            ContactOut(phones=list(contact.phones), email=contact.email, address=contact.address)
            if call.shows("customer.contact", customer.id)
            else None
        ),
        birth_date=customer.birth_date,
        sex=customer.sex,
        language=customer.language,
        data_origin=customer.data_origin,
        version=customer.version,
        created_at=customer.created_at,
        updated_at=customer.updated_at,
    )


def _fields_shown(call: Call, customer_id: UUID) -> tuple[str, ...]:
    return (*PERSONAL_FIELDS, *CONTACT_FIELDS) if call.shows("customer.contact", customer_id) else PERSONAL_FIELDS


def _summary(customer: Customer) -> CustomerSummary:
    return CustomerSummary(
        id=customer.id,
        reference=Reference(source=customer.source, customer_number=customer.customer_number),
        customer_type=customer.customer_type,
        name=customer.name,
        outlet_id=customer.outlet_id,
    )
