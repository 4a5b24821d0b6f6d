"""Bodies of the catalogue's operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import SPOKEN, Answer, Body, Line
from pydantic import Field

CODE = r"^[A-Za-z0-9._-]{1,64}$"
Code = Annotated[str, Field(pattern=CODE)]
AccountCode = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,62}[^\x00-\x20\x7f])?$"), SPOKEN]
"""A product code of core banking's."""
Talk = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]+$"), SPOKEN]
Age = Annotated[int, Field(ge=0, le=150)]


class Family(StrEnum):
    DEPOSIT = "deposit"
    LOAN = "loan"
    CARD = "card"
    INSURANCE = "insurance"
    FUND = "fund"
    PAYMENT = "payment"
    ADVICE = "advice"


class LinkKind(StrEnum):
    UPGRADE_OF = "upgrade_of"
    COMPLEMENTS = "complements"
    RENEWS = "renews"


class CustomerType(StrEnum):
    INDIVIDUAL = "individual"
    ORGANISATION = "organisation"


class Label(Body):
    """A short text in both languages."""

    zh: Line
    en: Line


class Talking(Body):
    """What to say, in both languages."""

    zh: Talk
    en: Talk


class Eligibility(Body):
    """For whom the product is; null: no condition. Ages in full years, both ends included; money in the product's currency."""

    customer_types: Annotated[list[CustomerType], Field(min_length=1, max_length=2)]
    min_age: Age | None = None
    max_age: Age | None = None
    min_history_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    min_balance_minor: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None


class Link(Body):
    kind: LinkKind
    product_code: Code


class ProductTerms(Body):
    """One version in full. It is offered from `valid_from` through `valid_to`, or until a later version begins."""

    name: Label
    risk_class: Annotated[int, Field(ge=1, le=5, description="1 is the safest.")]
    margin_bp: Annotated[int, Field(ge=0, le=100_000, description="Margin on balance or price, in hundredths of a per cent.")]
    valid_from: date
    valid_to: date | None = Field(default=None, description="The last business date on which it is offered; null: open.")
    price: Label | None = Field(default=None, description="What to name, in words.")
    eligibility: Eligibility
    consent_purpose: Code = Field(default="marketing", description="The purpose for which the customer must have consented.")
    links: Annotated[list[Link], Field(max_length=50)] = []
    holds_from_account_codes: Annotated[
        list[AccountCode],
        Field(max_length=50, description="Core banking's product codes that mean that a customer holds it."),
    ] = []
    talking_points: Talking | None = Field(default=None, description="Prepared answers (话术).")


class ProductCreation(ProductTerms):
    """Code, family and currency stay for good."""

    code: Code
    family: Family
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")]


class LabelOut(Answer):
    zh: str
    en: str


class EligibilityOut(Answer):
    customer_types: list[str]
    min_age: int | None
    max_age: int | None
    min_history_days: int | None
    min_balance_minor: int | None


class LinkOut(Answer):
    kind: str
    product_code: str


class ProductOut(Answer):
    """A product in one of its versions."""

    code: str
    family: str
    currency: str
    version: int
    name: LabelOut
    risk_class: int
    margin_bp: int
    valid_from: date
    valid_to: date | None
    price: LabelOut | None
    eligibility: EligibilityOut
    consent_purpose: str
    links: list[LinkOut]
    holds_from_account_codes: list[str]
    talking_points: LabelOut | None
    recorded_by: UUID
    recorded_at: datetime
