"""Register, change and search customer files. Every change bumps the version, and tells it by a change and a snapshot of that version."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from guanxi_common.errors import FieldError, InvalidInput, NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.principal import ScopeKind, SourceNotYours
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from customer_svc.book import repository as books
from customer_svc.book.policy import KEEPS_CUSTOMERS, filing_interval
from customer_svc.customers import policy, repository
from customer_svc.customers.changes import tell
from customer_svc.customers.errors import AlreadyRegistered, OutletOutOfScope
from customer_svc.customers.events import CustomerChanged, CustomerRegistered
from customer_svc.customers.names import query_terms
from customer_svc.customers.policy import DocumentKind, IdentityDocument
from customer_svc.customers.repository import Criteria, Customer
from customer_svc.customers.schemas import CustomerChange, CustomerRegistration, CustomerSearch, IdentityDocumentIn
from customer_svc.customers.sealing import Contact, identity_term, open_contact, seal_contact
from customer_svc.directory import repository as directory
from customer_svc.facets.policy import AT_REGISTRATION, Facet
from customer_svc.match_cases import service as match_cases
from customer_svc.parts import ContactIndexes

NAMES_AT_ONCE = 500

_PERSON_FIELDS = frozenset({"identity_document", "birth_date", "sex"})
_CONTACT_FIELDS = frozenset({"identity_document", "phones", "email", "address"})


@dataclass(frozen=True, slots=True)
class FileRules:
    """The customers' data keys, and the blind indexes of what is sealed under them."""

    keys: KeyStore
    indexes: ContactIndexes


async def register_customer(work: Work, rules: FileRules, registration: CustomerRegistration) -> tuple[Customer, Contact]:
    """Open a file; raises `SourceNotYours`, `OutletOutOfScope`, `InvalidInput`, `AlreadyRegistered`, `IdentityKnown`, `TooManyMatches`.

    A customer registered by an RM is the RM's own from the start; any other has no RM yet, and the outlet's lead is responsible.
    """
    uow = work.uow
    if not work.scope.speaks_for(registration.reference.source):
        raise SourceNotYours
    if not await _may_file_at(work, registration.outlet_id):
        raise OutletOutOfScope
    # Looked up first, so that a repeated registration makes no data key; the unique index decides the race.
    reference = registration.reference
    if known := await repository.find_by_reference(uow, reference.source, reference.customer_number):
        raise AlreadyRegistered(known if await _may_read(work, known) else None)
    contact = _contact(registration, work.today)
    _require_consistent(registration.customer_type, contact, registration.birth_date, registration.sex, work.today)
    if contact.identity:
        await _require_no_other_file(work, rules.indexes, contact.identity)
    customer = _new_file(registration, work.now)
    key = await rules.keys.create(customer.id)
    if not await repository.insert_customer(uow, customer, seal_contact(customer.id, contact, key, rules.indexes)):
        raise AlreadyRegistered  # another registration of this moment was faster
    book = [filing_interval(customer.outlet_id, await _keeper(work), work.now)]
    await books.write_book(uow, customer.id, book, customer.version)
    registered = CustomerRegistered(customer_id=customer.id, customer_type=customer.customer_type, outlet_id=customer.outlet_id)
    await tell(uow, key, customer, AT_REGISTRATION, registered)
    return customer, contact


def _new_file(registration: CustomerRegistration, now: datetime) -> Customer:
    return Customer(
        id=new_id(),
        source=registration.reference.source,
        customer_number=registration.reference.customer_number,
        customer_type=registration.customer_type,
        name=registration.name,
        birth_date=registration.birth_date,
        sex=registration.sex,
        language=registration.language,
        outlet_id=registration.outlet_id,
        data_origin=registration.data_origin,
        version=1,
        created_at=now,
        updated_at=now,
    )


async def change_customer(work: Work, rules: FileRules, customer_id: UUID, change: CustomerChange) -> tuple[Customer, Contact]:
    """Apply a merge patch; raises `NotFound`, `StaleVersion`, `InvalidInput` and, as a registration does, what forbids a second file.

    What changes nothing is no change.
    """
    found = await repository.read_customer(work.uow, work.scope, customer_id, work.now, lock=True)
    if found is None:
        raise NotFound
    before, sealed = found
    work.check_version(before.version)
    key = await rules.keys.get(customer_id)
    known = open_contact(sealed, key)
    changes = change.model_dump(exclude_unset=True)
    contact = _patched_contact(known, change, work.today)
    plain: dict[str, Any] = {name: value for name, value in changes.items() if name not in _CONTACT_FIELDS}
    customer = replace(before, **plain)
    fields = sorted(name for name in changes if _differs(name, before, customer, known, contact))
    if not fields:
        return before, known
    if _PERSON_FIELDS.intersection(fields):
        _require_consistent(customer.customer_type, contact, customer.birth_date, customer.sex, work.today)
    if contact.identity and "identity_document" in fields:
        await _require_no_other_file(work, rules.indexes, contact.identity, besides=customer_id)
    customer = replace(customer, version=before.version + 1, updated_at=work.now)
    await repository.update_customer(work.uow, customer, seal_contact(customer_id, contact, key, rules.indexes))
    changed = CustomerChanged(customer_id=customer_id, changed_fields=fields)
    await tell(work.uow, key, customer, [Facet.FILE], changed)
    return customer, contact


def asked_for(search: CustomerSearch) -> list[str]:
    """The names of the criteria of a search, as the audit log keeps them."""
    return sorted(search.model_fields_set - {"limit", "cursor"})


def criteria_of(search: CustomerSearch, indexes: ContactIndexes) -> Criteria:
    """What to look for; raises `InvalidInput` where nothing is asked, or a phone cannot be one."""
    if not asked_for(search):
        raise InvalidInput(Text("Give at least one criterion.", "请至少提供一个查询条件。"))
    name_terms = query_terms(search.name) if search.name is not None else None
    if name_terms == []:
        detail = Text("Type a part of the name: letters or characters.", "请输入姓名或名称的一部分（文字或字母）。")
        raise InvalidInput(errors=[FieldError("/name", "nothing_to_search", detail)])
    phone = _normal_phone(search.phone, "/phone") if search.phone else None
    document = _normal_document(search.identity_document) if search.identity_document else None
    return Criteria(
        name_terms=name_terms,
        phone_indexes=indexes.phone.candidates(policy.phone_term(phone)) if phone else None,
        identity_indexes=indexes.identity.candidates(identity_term(document)) if document else None,
        email_indexes=indexes.email.candidates(search.email.lower()) if search.email else None,
        reference=(search.reference.source, search.reference.customer_number) if search.reference else None,
        outlet_id=search.outlet_id,
        rm_id=search.rm_id,
    )


async def _require_no_other_file(
    work: Work, indexes: ContactIndexes, document: IdentityDocument, *, besides: UUID | None = None
) -> None:
    """Raise `AlreadyRegistered` where the caller may see the other file, else open a case for the data desk (D15)."""
    by_client = work.caller is None or work.caller.identity.kind == "client"
    if not by_client:
        await match_cases.hold_limit(work)
    candidates = indexes.identity.candidates(identity_term(document))
    await repository.lock_documents(work.uow, candidates)
    others = await repository.find_by_document(work.uow, candidates, besides=besides)
    for customer_id, filed_at in others:
        if by_client or await _may_read(work, customer_id, filed_at):
            raise AlreadyRegistered(customer_id)
    if others:
        await match_cases.refuse_second_file(work, others[0][0])


async def _may_read(work: Work, customer_id: UUID, filed_at: datetime | None = None) -> bool:
    """Whether the caller may be shown the file; who may register may not read all of the same rows. A client knows what it registered.

    `filed_at` may be later than this work began: the file was made while it waited.
    """
    caller, moment = work.caller, max(work.now, filed_at or work.now)
    scope = caller.scope("customer.read") if caller is not None and "customer.read" in caller.grants else work.scope
    return await repository.customer_is_visible(work.uow, scope, customer_id, moment)


async def _keeper(work: Work) -> UUID | None:
    """The caller, if customers can be theirs; not of one who was suspended or has left since the principal was looked up."""
    if work.caller is None or work.caller.role not in KEEPS_CUSTOMERS:
        return None
    staff = (await directory.hold_staff(work.uow, [work.person])).get(work.person)
    return staff.id if staff and staff.active and not staff.suspended and staff.role in KEEPS_CUSTOMERS else None


async def _may_file_at(work: Work, outlet_id: UUID) -> bool:
    if work.scope.kind is not ScopeKind.ALL and outlet_id not in work.scope.outlet_ids:
        return False
    return await directory.read_outlet(work.uow, outlet_id) is not None


def _contact(registration: CustomerRegistration, today: date) -> Contact:
    document = registration.identity_document
    return Contact(
        identity=_checked_document(document, today) if document else None,
        phones=_normal_phones(registration.phones),
        email=registration.email,
        address=registration.address,
    )


def _patched_contact(known: Contact, change: CustomerChange, today: date) -> Contact:
    contact = known
    given = change.model_fields_set
    if "identity_document" in given:
        document = change.identity_document
        contact = replace(contact, identity=_checked_document(document, today) if document else None)
    if "phones" in given:
        contact = replace(contact, phones=_normal_phones(change.phones or []))
    if "email" in given:
        contact = replace(contact, email=change.email)
    if "address" in given:
        contact = replace(contact, address=change.address)
    return contact


def _differs(name: str, before: Customer, after: Customer, known: Contact, contact: Contact) -> bool:
    if name in _CONTACT_FIELDS:
        attribute = "identity" if name == "identity_document" else name
        return bool(getattr(known, attribute) != getattr(contact, attribute))
    return bool(getattr(before, name) != getattr(after, name))


def _normal_document(document: IdentityDocumentIn) -> IdentityDocument:
    return policy.normalise_document(IdentityDocument(DocumentKind(document.kind), document.number))


def _checked_document(document: IdentityDocumentIn, today: date) -> IdentityDocument:
    normal = _normal_document(document)
    error = policy.check_document(normal, today)
    if error is not None:
        raise InvalidInput(errors=[error])
    return normal


def _require_consistent(customer_type: str, contact: Contact, birth_date: date | None, sex: str | None, today: date) -> None:
    kind = cast("policy.CustomerType", customer_type)
    if errors := policy.check_person(kind, contact.identity, birth_date, sex, today):
        raise InvalidInput(errors=errors)


def _normal_phones(phones: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_normal_phone(phone, f"/phones/{place}") for place, phone in enumerate(phones)))


def _normal_phone(phone: str, pointer: str) -> str:
    normal = policy.normalise_phone(phone)
    if normal is None:
        detail = Text(
            "No subscriber has this number: give the area code, and the country outside China.",
            "不是有效的电话号码：固定电话请加区号，境外号码请加国家代码。",
        )
        raise InvalidInput(errors=[FieldError(pointer, "invalid_phone", detail)])
    return normal


async def index_names(work: Work, patience: Patience = USUAL, *, limit: int = NAMES_AT_ONCE) -> int:
    """Give customers whose search terms are of an older version today's; returns how many. For the job. A customer fails alone."""

    async def take(only: Sequence[UUID] | None) -> list[tuple[UUID, str]]:
        return await repository.lock_unindexed(work.uow, limit, work.now, only)

    async def index(names: Sequence[tuple[UUID, str]]) -> None:
        await repository.index_names(work.uow, names)

    return await work_off(work.uow, repository.NAME_QUEUE, take, index, key=lambda one: one[0], now=work.now, patience=patience)
