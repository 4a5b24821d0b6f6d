"""From plain contact data to what is stored, and back. Every value is sealed under the customer's data key for its own place."""

from dataclasses import dataclass
from uuid import UUID

from guanxi_common.keys.store import DataKey
from guanxi_common.security.fields import Place, seal, unseal

from customer_svc.customers.policy import DocumentKind, IdentityDocument, phone_term
from customer_svc.parts import ContactIndexes


@dataclass(frozen=True, slots=True)
class Contact:
    """Identity document and contact points in the clear: never stored, logged or published so. Phones in E.164."""

    identity: IdentityDocument | None = None
    phones: tuple[str, ...] = ()
    email: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SealedContact:
    """One row of `customer_contact`."""

    customer_id: UUID
    identity_kind: str | None = None
    identity_sealed: bytes | None = None
    identity_index: bytes | None = None
    phones_sealed: tuple[bytes, ...] = ()
    phones_index: tuple[bytes, ...] = ()
    email_sealed: bytes | None = None
    email_index: bytes | None = None
    address_sealed: bytes | None = None


def seal_contact(customer_id: UUID, contact: Contact, key: DataKey, indexes: ContactIndexes) -> SealedContact:
    identity, email, address = contact.identity, contact.email, contact.address
    return SealedContact(
        customer_id=customer_id,
        identity_kind=identity.kind if identity else None,
        identity_sealed=seal(identity.number, key, _place("identity", customer_id)) if identity else None,
        identity_index=indexes.identity.index(identity_term(identity)) if identity else None,
        phones_sealed=tuple(seal(phone, key, _place("phones", customer_id)) for phone in contact.phones),
        phones_index=tuple(indexes.phone.index(phone_term(phone)) for phone in contact.phones),
        email_sealed=seal(email, key, _place("email", customer_id)) if email else None,
        email_index=indexes.email.index(email.lower()) if email else None,
        address_sealed=seal(address, key, _place("address", customer_id)) if address else None,
    )


def open_contact(sealed: SealedContact, key: DataKey) -> Contact:
    """Raises `SealBroken` where a value was changed or moved."""
    row = sealed.customer_id
    number = unseal(sealed.identity_sealed, key, _place("identity", row)) if sealed.identity_sealed else None
    return Contact(
        identity=IdentityDocument(DocumentKind(sealed.identity_kind), number) if sealed.identity_kind and number else None,
        phones=tuple(unseal(phone, key, _place("phones", row)) for phone in sealed.phones_sealed),
        email=unseal(sealed.email_sealed, key, _place("email", row)) if sealed.email_sealed else None,
        address=unseal(sealed.address_sealed, key, _place("address", row)) if sealed.address_sealed else None,
    )


def identity_term(document: IdentityDocument) -> str:
    """What the identity index is made of: the same number may occur in two kinds of document."""
    return f"{document.kind}:{document.number}"


def _place(column: str, customer_id: UUID) -> Place:
    return Place("customer_contact", column, customer_id)
