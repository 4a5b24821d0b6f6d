"""Pure rules of the customer file: identity documents, what they say of their holder, and phone numbers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal
from unicodedata import normalize

import phonenumbers
from guanxi_common.errors import FieldError, Text
from stdnum.cn import uscc

CustomerType = Literal["individual", "organisation"]


class DocumentKind(StrEnum):
    """Identity documents, with the labels a bank's staff expect."""

    RESIDENT_ID = "resident_id"  # 居民身份证, GB 11643-1999
    PASSPORT = "passport"  # 护照
    CREDIT_CODE = "credit_code"  # 统一社会信用代码, GB 32100-2015
    FOREIGN_ID = "foreign_id"  # a national number of another country
    HK_MACAU_PERMIT = "hk_macau_permit"  # 港澳居民来往内地通行证
    TAIWAN_PERMIT = "taiwan_permit"  # 台湾居民来往大陆通行证
    HMT_RESIDENCE_PERMIT = "hmt_residence_permit"  # 港澳台居民居住证
    PERMANENT_RESIDENCE = "permanent_residence"  # 外国人永久居留身份证


ORGANISATIONS_OWN: Final = frozenset({DocumentKind.CREDIT_CODE, DocumentKind.FOREIGN_ID})
"""The documents that an organisation may have; a credit code is nobody else's."""


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    kind: DocumentKind
    number: str


@dataclass(frozen=True, slots=True)
class Holder:
    """What a number says of its holder. A resident number's sequence is odd for men and even for women (GB 11643-1999)."""

    birth_date: date
    sex: Literal["female", "male"]


# ISO 7064 MOD 11-2, as GB 11643-1999 uses it for the resident identity number.
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"
_EARLIEST_BIRTH: Final = date(1900, 1, 1)
_RESIDENCE_AREAS: Final = ("810000", "820000", "830000")  # Hong Kong, Macau, Taiwan

# The first character names who registered it; A (central military commission), N (agriculture) and Y (others) came with the list of 2015.
_CREDIT_CODE: Final = re.compile(r"[1-9ANY][1-9A-HJ-NP-RTUW-Y][0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")


def normalise_document(document: IdentityDocument) -> IdentityDocument:
    """Without spaces, dashes and brackets, in capitals of half width, so that a number typed twice is the same number.

    A resident number of 15 digits becomes the one of 18 that replaced it in 1999.
    """
    number = re.sub(r"[\s()-]", "", normalize("NFKC", document.number)).upper()
    if document.kind is DocumentKind.RESIDENT_ID and re.fullmatch(r"[0-9]{15}", number):
        body = f"{number[:6]}19{number[6:]}"
        number = body + _check_digit(body)
    return IdentityDocument(document.kind, number)


def check_document(document: IdentityDocument, today: date) -> FieldError | None:
    """Say what is wrong with a normalised document, never repeating its number."""
    if _NUMBER_FITS[document.kind](document.number):
        holder = holder_of(document)
        if holder is None or _EARLIEST_BIRTH <= holder.birth_date <= today:
            return None
    return FieldError(
        "/identity_document/number",
        "invalid_identity_number",
        Text("The number does not fit its kind of document.", "证件号码与证件类型不符。"),
    )


def holder_of(document: IdentityDocument) -> Holder | None:
    """Birth date and sex, where the (valid) number holds them: resident numbers and the permits made like them since 2018."""
    number = document.number
    if document.kind not in _LIKE_RESIDENT_IDS or len(number) != 18:
        return None
    return Holder(_birth_date(number), "male" if int(number[16]) % 2 else "female")


def check_person(
    customer_type: CustomerType, document: IdentityDocument | None, birth_date: date | None, sex: str | None, today: date
) -> list[FieldError]:
    """What of a file cannot be true together. An organisation has neither birth date nor sex; a number's own statements hold."""
    if customer_type == "organisation":
        wrong = [name for name, value in (("birth_date", birth_date), ("sex", sex)) if value is not None]
        errors = [FieldError(f"/{name}", "not_of_an_organisation", _PERSONS_ONLY) for name in wrong]
        if document is not None and document.kind not in ORGANISATIONS_OWN:
            errors.append(FieldError("/identity_document/kind", "not_of_an_organisation", _PERSONS_ONLY))
        return errors
    errors = []
    if document is not None and document.kind is DocumentKind.CREDIT_CODE:
        errors.append(FieldError("/identity_document/kind", "not_of_an_individual", _ORGANISATIONS_ONLY))
    if birth_date is not None and not _EARLIEST_BIRTH <= birth_date <= today:
        errors.append(FieldError("/birth_date", "impossible_birth_date", _BIRTH_RANGE))
    holder = holder_of(document) if document is not None else None
    if holder is not None and birth_date not in (None, holder.birth_date):
        errors.append(FieldError("/birth_date", "contradicts_document", _CONTRADICTION))
    if holder is not None and sex in ("female", "male") and sex != holder.sex:
        errors.append(FieldError("/sex", "contradicts_document", _CONTRADICTION))
    return errors


_PERSONS_ONLY: Final = Text("Only an individual has this.", "仅个人客户适用。")
_ORGANISATIONS_ONLY: Final = Text("Only an organisation has a credit code.", "仅机构客户有统一社会信用代码。")
_BIRTH_RANGE: Final = Text("A birth date lies between 1900-01-01 and today.", "出生日期应在1900-01-01与今天之间。")
_CONTRADICTION: Final = Text("The identity document's number says otherwise.", "与证件号码所载信息不一致。")


def _check_digit(body: str) -> str:
    return _CHECK_DIGITS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11]


def _birth_date(number: str) -> date:
    """Raises ValueError for a day that there is not."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def _is_like_a_resident_id(number: str) -> bool:
    """Length, digits, birth date, check digit.

    The area code is not checked: codes are retired and reissued, and a list rejects valid holders.
    """
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return False
    try:
        _birth_date(number)
    except ValueError:
        return False
    return _check_digit(number[:17]) == number[17]


def _resident_id_fits(number: str) -> bool:
    return _is_like_a_resident_id(number) and number[0] in "1234567"


def _residence_permit_fits(number: str) -> bool:
    return _is_like_a_resident_id(number) and number.startswith(_RESIDENCE_AREAS)


def _permanent_residence_fits(number: str) -> bool:
    """Three letters of the country and twelve digits, or since December 2023 a number like a resident's that begins with 9."""
    return bool(re.fullmatch(r"[A-Z]{3}[0-9]{12}", number)) or (_is_like_a_resident_id(number) and number[0] == "9")


def _credit_code_fits(number: str) -> bool:
    return bool(_CREDIT_CODE.fullmatch(number)) and uscc.calc_check_digit(number[:-1]) == number[-1]


_LIKE_RESIDENT_IDS: Final = (DocumentKind.RESIDENT_ID, DocumentKind.HMT_RESIDENCE_PERMIT, DocumentKind.PERMANENT_RESIDENCE)
_NUMBER_FITS: Final[dict[DocumentKind, Callable[[str], bool]]] = {
    DocumentKind.RESIDENT_ID: _resident_id_fits,
    DocumentKind.HMT_RESIDENCE_PERMIT: _residence_permit_fits,
    DocumentKind.PERMANENT_RESIDENCE: _permanent_residence_fits,
    DocumentKind.CREDIT_CODE: _credit_code_fits,
    DocumentKind.HK_MACAU_PERMIT: lambda number: bool(re.fullmatch(r"[HM][0-9]{8}([0-9]{2})?", number)),
    DocumentKind.TAIWAN_PERMIT: lambda number: bool(re.fullmatch(r"[0-9]{8}|[0-9]{10}[A-Z]?", number)),
    # What a machine reads on the card: no other script has letters or digits there (ICAO 9303 part 3, section 4.3).
    DocumentKind.PASSPORT: lambda number: bool(re.fullmatch(r"[A-Z0-9]{5,20}", number)),
    DocumentKind.FOREIGN_ID: lambda number: bool(re.fullmatch(r"[A-Z0-9]{4,40}", number)),
}

# An extension as it stands on cards: 0755-29523461转8001, 分机8001, ext. 8001, x8001, #8001; or after one more dash: 0755-29523461-8001.
_MARKED: Final = re.compile(
    r"(?P<number>.*?[0-9])\s*(?:转|轉|分机|分機|内线|內線|#|x|[,;]?\s*ext\.?=?)\s*(?P<extension>[0-9]{1,6})", re.IGNORECASE
)
_DASHED: Final = re.compile(r"(?P<number>.*[0-9])\s*-\s*(?P<extension>[0-9]{1,6})")


def normalise_phone(phone: str) -> str | None:
    """The number in E.164, with `;ext=` where it has an extension (RFC 3966), or None where no subscriber can have it.

    Numbers without a country are read as Chinese. A local number without its area code is None: nobody could dial it from elsewhere.
    What follows one more dash belongs to the number where such a number exists (direct dialling, as in Germany), else it is the extension.
    """
    written = normalize("NFKC", phone).strip().removeprefix("tel:")
    if marked := _MARKED.fullmatch(written):
        return _with_extension(marked)
    dashed = _DASHED.fullmatch(written)
    return _e164(written) or (_with_extension(dashed) if dashed else None)


def _with_extension(written: re.Match[str]) -> str | None:
    number = _e164(written["number"])
    return number and f"{number};ext={written['extension']}"


def _e164(number: str) -> str | None:
    """None too for letters in the place of digits: 1-800-FLOWERS would become somebody's Chinese mobile number."""
    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException:
        return None
    if any(character.isalpha() for character in number) or not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def phone_term(phone: str) -> str:
    """What the phone index is made of: a normalised number without its extension, which callers seldom know."""
    return phone.partition(";")[0]
