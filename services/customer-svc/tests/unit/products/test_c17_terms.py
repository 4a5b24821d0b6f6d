"""C17: what a version of a product must fulfil."""

from datetime import date
from typing import Any

import pytest
from customer_svc.products.policy import Terms, currency_error, linked_codes, term_errors

KNOWN = frozenset({"FUND_A", "FUND_B", "ME"})


def terms(**changes: Any) -> Terms:
    facts: dict[str, Any] = {
        "name": {"zh": "基金", "en": "Fund"},
        "risk_class": 3,
        "margin_bp": 50,
        "valid_from": date(2026, 12, 1),
        "valid_to": None,
        "price": None,
        "eligibility": {},
        "consent_purpose": "marketing",
        "links": [],
        "holds_from_account_codes": [],
        "talking_points": None,
    }
    return Terms(**(facts | changes))


def link(code: str, kind: str = "complement") -> dict[str, str]:
    return {"kind": kind, "product_code": code}


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({}, []),
        ({"valid_to": date(2026, 12, 1)}, []),  # offered for a day
        ({"valid_to": date(2026, 11, 30)}, [("/valid_to", "ends_before_it_begins")]),
        ({"valid_from": date(1900, 1, 1)}, []),
        ({"valid_from": date(1899, 12, 31)}, [("/valid_from", "implausible_date")]),
        ({"eligibility": {"min_age": 18, "max_age": 18}}, []),
        ({"eligibility": {"min_age": 18, "max_age": 17}}, [("/eligibility/max_age", "no_age_fits")]),
        ({"eligibility": {"min_age": 18}}, []),
        ({"eligibility": {"max_age": 0}}, []),
        ({"eligibility": {"min_age": 1, "max_age": 0}}, [("/eligibility/max_age", "no_age_fits")]),
        ({"links": [link("FUND_A"), link("FUND_B")]}, []),
        ({"links": [link("FUND_A"), link("FUND_A", "substitute")]}, []),  # in two ways
        ({"links": [link("FUND_A"), link("ME")]}, [("/links/1/product_code", "links_to_itself")]),
        ({"links": [link("GONE")]}, [("/links/0/product_code", "unknown_link")]),
        ({"links": [link("FUND_A"), link("FUND_B"), link("FUND_A")]}, [("/links/2/product_code", "link_given_twice")]),
    ],
)
def test_c17_everything_that_is_wrong_with_the_terms_is_named(changes: dict[str, Any], errors: list[tuple[str, str]]) -> None:
    assert [(error.pointer, error.code) for error in term_errors("ME", terms(**changes), KNOWN)] == errors


def test_c17_the_products_that_a_version_names() -> None:
    assert linked_codes(terms(links=[link("FUND_A"), link("FUND_A", "substitute"), link("FUND_B")])) == {"FUND_A", "FUND_B"}
    assert linked_codes(terms()) == set()


@pytest.mark.parametrize(
    ("currency", "valid_from", "fits"),
    [
        ("CNY", "2026-12-01", True),
        ("CZK", "2026-12-01", True),
        ("ANG", "2024-12-31", True),  # the Netherlands Antillean guilder, replaced by XCG on 31 March 2025
        ("ANG", "2026-12-01", False),
        ("XCG", "2026-12-01", True),
        ("XCG", "2024-12-31", False),
        ("HRK", "2023-06-01", False),  # Croatia has had the euro since 2023
        ("XXX", "2026-12-01", False),
        ("cny", "2026-12-01", False),
    ],
)
def test_c17_a_product_has_a_currency_of_its_day(currency: str, valid_from: str, fits: bool) -> None:
    assert (currency_error(currency, date.fromisoformat(valid_from)) is None) is fits
