"""A product, its links and for whom it is. Margin in basis points a year of the amount. Pure."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Words:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Link:
    """`upgrade_of`, `complements` or `renews` the product named."""

    kind: str
    product_code: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """For whom the product is; None and empty: no condition. Ages in full years, both ends included."""

    min_age: int | None = None
    max_age: int | None = None
    customer_types: tuple[str, ...] = ()
    min_history_days: int | None = None
    min_balance_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the catalogue, valid from `valid_from` through `valid_to`.

    `holds_from_account_codes`: core banking's account products that mean that the customer holds it.
    """

    code: str
    family: str
    name: Words
    risk_class: int
    margin_bp: int
    currency: str
    valid_from: date
    valid_to: date | None = None
    price: Words | None = None
    eligibility: Eligibility = Eligibility()
    consent_purpose: str = "marketing"
    links: tuple[Link, ...] = ()
    holds_from_account_codes: tuple[str, ...] = ()
    talking_points: Words | None = None

    def linked(self, kind: str) -> frozenset[str]:
        """The products to which this one has a link of the kind."""
        return frozenset(link.product_code for link in self.links if link.kind == kind)

    @property
    def account_codes(self) -> frozenset[str]:
        return frozenset((self.code, *self.holds_from_account_codes))
