"""A product of the catalogue, its dated versions and what a version must fulfil (C17). Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.currencies import in_use
from guanxi_common.errors import FieldError, Text

EARLIEST = date(1900, 1, 1)

Words = Mapping[str, str]
"""A text by language, `zh` and `en`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one version says. Margin in basis points a year; `valid_to` is the last day on which it is offered, None: open.

    `eligibility` and `links` are as in the schema of `guanxi.product.snapshot.v1`. `holds_from_account_codes` are core banking's
    product codes that mean that a customer holds the product.
    """

    name: Words
    risk_class: int
    margin_bp: int
    valid_from: date
    valid_to: date | None
    price: Words | None
    eligibility: Mapping[str, Any]
    consent_purpose: str
    links: Sequence[Mapping[str, str]]
    holds_from_account_codes: Sequence[str]
    talking_points: Words | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product in one of its versions. Code, family and currency are what the product is, and never change."""

    code: str
    family: str
    currency: str
    version: int
    terms: Terms
    recorded_by: UUID
    recorded_at: datetime


def currency_error(currency: str, valid_from: date) -> FieldError | None:
    if in_use(currency, valid_from):
        return None
    return FieldError(
        "/currency",
        "unknown_currency",
        Text("No currency of ISO 4217 on valid_from.", "不是生效日的 ISO 4217 货币。"),
    )


def term_errors(code: str, terms: Terms, known: Collection[str]) -> list[FieldError]:
    """Everything that is wrong with the terms of the product `code`; `known` are the codes of the catalogue."""
    return [*_date_errors(terms), *_age_errors(terms), *_link_errors(code, terms, known)]


def linked_codes(terms: Terms) -> set[str]:
    return {link["product_code"] for link in terms.links}


def _date_errors(terms: Terms) -> Iterator[FieldError]:
    if terms.valid_from < EARLIEST:
        yield FieldError("/valid_from", "implausible_date", Text("The date is out of range.", "日期超出范围。"))
    if terms.valid_to is not None and terms.valid_to < terms.valid_from:
        detail = Text("valid_to is before valid_from.", "截止日期早于生效日期。")
        yield FieldError("/valid_to", "ends_before_it_begins", detail)


def _age_errors(terms: Terms) -> Iterator[FieldError]:
    youngest, oldest = terms.eligibility.get("min_age"), terms.eligibility.get("max_age")
    if youngest is not None and oldest is not None and oldest < youngest:
        yield FieldError("/eligibility/max_age", "no_age_fits", Text("max_age is below min_age.", "最大年龄小于最小年龄。"))


def _link_errors(code: str, terms: Terms, known: Collection[str]) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for place, link in enumerate(terms.links):
        pointer, target = f"/links/{place}/product_code", link["product_code"]
        if target == code:
            yield FieldError(pointer, "links_to_itself", Text("A product does not link to itself.", "产品不能关联自身。"))
        elif target not in known:
            yield FieldError(pointer, "unknown_link", Text("No such product in the catalogue.", "产品目录中没有该产品。"))
        elif (link["kind"], target) in seen:
            yield FieldError(pointer, "link_given_twice", Text("The link is given twice.", "关联重复。"))
        seen.add((link["kind"], target))
