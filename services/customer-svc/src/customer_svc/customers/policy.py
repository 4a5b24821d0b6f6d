"""Pure rules of the customer file: what a valid entry is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

import phonenumbers
from guanxi_common.errors import FieldError, Text
from stdnum.cn import uscc

CustomerType = Literal["individual", "organisation"]


class DocumentKind(StrEnum):
    """Identity documents, with the labels a bank's staff expect."""

    RESIDENT_ID = "resident_id"  # 居民身份证
    PASSPORT = "passport"  # 护照
    CREDIT_CODE = "credit_code"  # 统一社会信用代码, GB 32100-2015
    FOREIGN_ID = "foreign_id"  # a national number of another country


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    kind: DocumentKind
    number: str


# ISO 7064 MOD 11-2, as GB 11643-1999 uses it for the resident identity number.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


def resident_id_is_valid(number: str) -> bool:
    """Check length, check digit and birth date of an 18-digit resident identity number (GB 11643-1999).

    The area code is not checked: codes are retired and reissued, and a list rejects valid holders.
    """
    if len(number) != 18 or not number[:17].isascii() or not number[:17].isdigit():
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True))
    return _CHECK_DIGITS[total % 11] == number[17].upper()


def _credit_code_is_valid(number: str) -> bool:
    return bool(uscc.is_valid(number))


_NUMBER_FITS: dict[DocumentKind, Callable[[str], bool]] = {
    DocumentKind.RESIDENT_ID: resident_id_is_valid,
    DocumentKind.CREDIT_CODE: _credit_code_is_valid,
    DocumentKind.PASSPORT: lambda number: number.isalnum() and 5 <= len(number) <= 20,
    DocumentKind.FOREIGN_ID: lambda number: number.isalnum() and 4 <= len(number) <= 40,
}


def normalise_document(document: IdentityDocument) -> IdentityDocument:
    return IdentityDocument(document.kind, document.number.replace(" ", "").replace("-", "").upper())


def check_document(document: IdentityDocument) -> FieldError | None:
    """Say what is wrong with a normalised document, never repeating its number."""
    if _NUMBER_FITS[document.kind](document.number):
        return None
    return FieldError(
        "/identity_document/number",
        "invalid_identity_number",
        Text("The number does not fit its kind of document.", "证件号码与证件类型不符。"),
    )


def normalise_phone(phone: str) -> str | None:
    """The number in E.164, or None if it cannot be one. Numbers without a country are read as Chinese."""
    try:
        parsed = phonenumbers.parse(phone, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
