"""Bodies of the customer file."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from guanxi_common.http.bodies import READABLE, SPOKEN, Answer, Body, Line
from pydantic import Field, StringConstraints

from customer_svc.customers.policy import CustomerType, DocumentKind
from customer_svc.inbound.items import EXTERNAL_ID

Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+(][0-9+() .#;=extEXT转轉-]{4,39}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}$"), READABLE]
Address = Annotated[str, StringConstraints(min_length=1, max_length=300), READABLE]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Sex = Literal["female", "male", "unknown"]


class Reference(Body):
    """How the source numbers the customer, in printable characters of any script; unique per source."""

    source: Token
    customer_number: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=EXTERNAL_ID)]


class IdentityDocumentIn(Body):
    kind: DocumentKind
    number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z() -]{4,60}$"), SPOKEN]


class CustomerRegistration(Body):
    """A new customer file (客户信息档案). `data_origin` marks fields that a sandbox made up."""

    reference: Reference
    customer_type: CustomerType
    name: Line
    outlet_id: UUID
    identity_document: IdentityDocumentIn | None = None
    phones: Annotated[list[Phone], Field(max_length=10)] = []
    email: Email | None = None
    address: Address | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    language: Language = "zh-CN"
    data_origin: Literal["reported", "generated"] = "reported"


class CustomerChange(Body):
    """Merge patch: what is left out stays, null clears (not the name and the language)."""

    name: Line = ""
    identity_document: IdentityDocumentIn | None = None
    phones: Annotated[list[Phone], Field(max_length=10)] | None = None
    email: Email | None = None
    address: Address | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    language: Language = ""


class IdentityDocumentOut(Answer):
    """`number` shows the last four characters, and never more than half; `:reveal` gives the whole, for a stated purpose."""

    kind: str
    number: str


class CustomerOut(Answer):
    """The file as the caller may see it. `contact` is null without the permission `customer.contact`."""

    id: UUID
    reference: Reference
    customer_type: str
    name: str
    outlet_id: UUID
    identity_document: IdentityDocumentOut | None
    contact: "ContactOut | None"
    birth_date: date | None
    sex: str | None
    language: str
    data_origin: str
    version: int
    created_at: datetime
    updated_at: datetime


class ContactOut(Answer):
    phones: list[str]
    email: str | None
    address: str | None


class CustomerSearch(Body):
    """All criteria given must hold; at least one is needed. Name: any part, pinyin or initials. The others: exact."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60), READABLE] | None = None
    phone: Phone | None = None
    identity_document: IdentityDocumentIn | None = None
    email: Email | None = None
    reference: Reference | None = None
    outlet_id: UUID | None = None
    rm_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=2048)] | None = None


class CustomerSummary(Answer):
    """What a search shows."""

    id: UUID
    reference: Reference
    customer_type: str
    name: str
    outlet_id: UUID


class RevealRequest(Body):
    """Why the identity number is needed in full; goes, sealed, into the audit log."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=500, pattern=r"^[^\x00]+$"), SPOKEN]


class RevealedIdentity(Answer):
    customer_id: UUID
    identity_document: IdentityDocumentOut | None
