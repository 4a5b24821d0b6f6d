"""The catalogue as the other services replicate it: each product's version in force, in full."""

from datetime import date
from typing import Annotated, Literal

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import BaseModel, ConfigDict, Field

Age = Annotated[int, Field(ge=0, le=150)]
NotNegative = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductWords(_Part):
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class ProductEligibility(_Part):
    min_age: Age | None = None
    max_age: Age | None = None
    customer_types: Annotated[list[Literal["individual", "organisation"]], Field(min_length=1)]
    min_history_days: NotNegative | None = None
    min_balance_minor: NotNegative | None = None


class ProductLink(_Part):
    kind: Literal["upgrade_of", "complements", "renews"]
    product_code: str


class ProductSnapshot(DomainEvent, type="guanxi.product.snapshot.v1", topic="directory.snapshots", key="entity_key"):
    """`version` is also the aggregate's. Versions that were never in force are not told, so numbers may be missing."""

    code: str
    version: int
    family: str
    name: ProductWords
    risk_class: Annotated[int, Field(ge=1, le=5)]
    margin_bp: Annotated[int, Field(ge=0, le=100_000)]
    currency: str
    price: ProductWords | None = None
    valid_from: date
    valid_to: date | None = None
    eligibility: ProductEligibility
    consent_purpose: str
    links: list[ProductLink]
    holds_from_account_codes: list[str]
    talking_points: ProductWords | None = None

    @property
    def key(self) -> str:
        return f"product:{self.code}"
