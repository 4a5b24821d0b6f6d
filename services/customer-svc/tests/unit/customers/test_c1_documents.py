"""C1: identity documents. Numbers are samples of the standards and of the authorities' notices, or made by their rules by hand."""

from datetime import date

import pytest
from customer_svc.customers.policy import (
    DocumentKind,
    Holder,
    IdentityDocument,
    check_document,
    check_person,
    holder_of,
    normalise_document,
)

TODAY = date(2026, 11, 28)
RESIDENT, CREDIT, PASSPORT = DocumentKind.RESIDENT_ID, DocumentKind.CREDIT_CODE, DocumentKind.PASSPORT
HMT, PERMANENT = DocumentKind.HMT_RESIDENCE_PERMIT, DocumentKind.PERMANENT_RESIDENCE
HK, TAIWAN, FOREIGN = DocumentKind.HK_MACAU_PERMIT, DocumentKind.TAIWAN_PERMIT, DocumentKind.FOREIGN_ID


@pytest.mark.parametrize(
    ("kind", "number", "fits"),
    [
        (RESIDENT, "11010519491231002X", True),  # the sample of GB 11643-1999
        (RESIDENT, "11010519491231002x", True),
        (RESIDENT, "110105 19491231 002X", True),
        (RESIDENT, "１１０１０５１９４９１２３１００２Ｘ", True),  # as a Chinese keyboard types it
        (RESIDENT, "110105194912310021", False),  # another check digit
        (RESIDENT, "11010519000101001X", True),  # the first day, and the one before it
        (RESIDENT, "110105189912310015", False),
        (RESIDENT, "110105202611280012", True),  # today and tomorrow
        (RESIDENT, "110105202611290018", False),
        (RESIDENT, "110105200002290013", True),  # 2000 had a 29 February, 1900 had none
        (RESIDENT, "110105190002290017", False),
        (RESIDENT, "440524188001010014", False),  # the standard's second sample: nobody born in 1880 comes to the counter
        (RESIDENT, "110105491231002", True),  # 15 digits, as issued until 1999
        (RESIDENT, "110105490231002", False),  # 15 digits, 31 February
        (RESIDENT, "11010520900101001X", False),  # born in 2090
        (RESIDENT, "810000199408230021", False),  # a residence permit is another document
        (RESIDENT, "1101051949123100", False),
        (RESIDENT, "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", False),  # Arabic digits
        (RESIDENT, "1١٠١٠٥١٩٤٩١٢٣١٠٠٢X", False),
        (HMT, "810000199408230021", True),  # the ministry's sample for Hong Kong
        (HMT, "830000199201300022", True),  # and for Taiwan
        (HMT, "11010519491231002X", False),
        (PERMANENT, "911124198108030024", True),  # the sample of the card of 2023
        (PERMANENT, "USA110082010101", True),  # fifteen characters, card of 2004 and 2017
        (PERMANENT, "11010519491231002X", False),
        (CREDIT, "91350100M000100Y43", True),  # the sample of GB 32100-2015
        (CREDIT, "91110000600037341L", True),
        (CREDIT, "N2440111MF1234567N", True),  # registered by the ministry of agriculture
        (CREDIT, "91350100M000100Y44", False),
        (CREDIT, "B1350100M000100Y43", False),  # no authority has the letter B
        (CREDIT, "9135010OM000100Y43", False),  # the letter O is not used
        (HK, "H01234567", True),
        (HK, "M0123456702", True),  # the booklet: two more digits count the renewals
        (HK, "T01234567", False),
        (HK, "H0123456", False),
        (TAIWAN, "01234567", True),
        (TAIWAN, "0123456701(B)", True),  # the booklet, as it is printed
        (TAIWAN, "0123456", False),
        (PASSPORT, "E12345678", True),
        (PASSPORT, "Ｅ１２３４５６７８", True),
        (PASSPORT, "E1234", True),
        (PASSPORT, "E123", False),
        (PASSPORT, "E" + "1" * 19, True),
        (PASSPORT, "E" + "1" * 20, False),
        (PASSPORT, "护照号码一二三", False),
        (PASSPORT, "E１２३४५६", False),  # Devanagari digits
        (FOREIGN, "AB12", True),
        (FOREIGN, "AB1", False),
        (FOREIGN, "A" * 40, True),
        (FOREIGN, "A" * 41, False),
        (FOREIGN, "身份证号", False),
        (FOREIGN, "AB-1234/5", False),
    ],
)
def test_c1_a_number_fits_its_document(kind: DocumentKind, number: str, fits: bool) -> None:
    error = check_document(normalise_document(IdentityDocument(kind, number)), TODAY)
    assert (error is None) is fits
    assert error is None or number not in str(error)


def test_c1_fifteen_digits_become_the_eighteen_that_replaced_them() -> None:
    assert normalise_document(IdentityDocument(RESIDENT, "110105491231002")).number == "11010519491231002X"
    assert normalise_document(IdentityDocument(PASSPORT, "110105491231002")).number == "110105491231002"


def test_c1_one_number_is_one_number_however_it_is_typed() -> None:
    typed = ("E12345678", "e12345678", "E 1234 5678", "E-1234-5678", "Ｅ１２３４５６７８", "e（1234）5678")
    assert {normalise_document(IdentityDocument(PASSPORT, number)).number for number in typed} == {"E12345678"}


@pytest.mark.parametrize(
    ("kind", "number", "holder"),
    [
        (RESIDENT, "11010519491231002X", Holder(date(1949, 12, 31), "female")),
        (HMT, "810000199408230021", Holder(date(1994, 8, 23), "female")),
        (PERMANENT, "911124198108030024", Holder(date(1981, 8, 3), "female")),
        (RESIDENT, "110105194912310011", Holder(date(1949, 12, 31), "male")),
        (PERMANENT, "USA110082010101", None),
        (PASSPORT, "E12345678", None),
        (CREDIT, "91350100M000100Y43", None),
    ],
)
def test_c1_what_a_number_says_of_its_holder(kind: DocumentKind, number: str, holder: Holder | None) -> None:
    assert holder_of(IdentityDocument(kind, number)) == holder


ID = IdentityDocument(RESIDENT, "11010519491231002X")
CODE = IdentityDocument(CREDIT, "91350100M000100Y43")
BORN = date(1949, 12, 31)


@pytest.mark.parametrize(
    ("kind", "document", "birth_date", "sex", "wrong"),
    [
        ("individual", ID, BORN, "female", []),
        ("individual", ID, None, None, []),
        ("individual", ID, BORN, "unknown", []),
        ("individual", None, date(1900, 1, 1), "male", []),
        ("individual", None, TODAY, None, []),  # born today
        ("individual", None, date(2026, 11, 29), None, ["/birth_date"]),
        ("individual", None, date(2099, 1, 1), None, ["/birth_date"]),
        ("individual", None, date(1899, 12, 31), None, ["/birth_date"]),
        ("individual", None, date(1, 1, 1), None, ["/birth_date"]),
        ("individual", ID, date(1949, 12, 30), "female", ["/birth_date"]),
        ("individual", ID, BORN, "male", ["/sex"]),
        ("individual", ID, date(1950, 1, 1), "male", ["/birth_date", "/sex"]),
        ("individual", CODE, None, None, ["/identity_document/kind"]),
        ("individual", IdentityDocument(PASSPORT, "E12345678"), date(1980, 1, 1), "male", []),
        ("organisation", CODE, None, None, []),
        ("organisation", IdentityDocument(FOREIGN, "HRB12345"), None, None, []),
        ("organisation", None, None, None, []),
        ("organisation", CODE, BORN, None, ["/birth_date"]),
        ("organisation", CODE, None, "female", ["/sex"]),
        ("organisation", CODE, None, "unknown", ["/sex"]),
        ("organisation", ID, BORN, "male", ["/birth_date", "/sex", "/identity_document/kind"]),
    ],
)
def test_c1_what_cannot_be_true_together(
    kind: str, document: IdentityDocument | None, birth_date: date | None, sex: str | None, wrong: list[str]
) -> None:
    errors = check_person(kind, document, birth_date, sex, TODAY)  # type: ignore[arg-type]
    assert [error.pointer for error in errors] == wrong
