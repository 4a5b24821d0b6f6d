"""The rules of the customer file; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
NAMES: Final = f"{CUSTOMER}/tests/unit/customers/test_d13_names.py"


def _names(name: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, "customer_svc/customers/names.py", text, without, f"{NAMES}::{test}", CUSTOMER)


DOCUMENTS: Final = f"{CUSTOMER}/tests/unit/customers/test_c1_documents.py"
PHONES: Final = f"{CUSTOMER}/tests/unit/customers/test_c1_phones.py"


def _file(name: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, "customer_svc/customers/policy.py", text, without, test, CUSTOMER)


CUSTOMER_RULES: Final = (
    _file(
        "a resident number has its check digit",
        "    return _check_digit(number[:17]) == number[17]",
        "    return True",
        f"{DOCUMENTS}::test_c1_a_number_fits_its_document",
    ),
    _file(
        "a credit code has its check character",
        "bool(_CREDIT_CODE.fullmatch(number)) and uscc.calc_check_digit(number[:-1]) == number[-1]",
        "bool(_CREDIT_CODE.fullmatch(number))",
        f"{DOCUMENTS}::test_c1_a_number_fits_its_document",
    ),
    _file(
        "nobody is born in the future or before 1900 by a document",
        "        if holder is None or _EARLIEST_BIRTH <= holder.birth_date <= today:",
        "        if True:",
        f"{DOCUMENTS}::test_c1_a_number_fits_its_document",
    ),
    _file(
        "a birth date does not contradict the document",
        "    if holder is not None and birth_date not in (None, holder.birth_date):",
        "    if False:",
        f"{DOCUMENTS}::test_c1_what_cannot_be_true_together",
    ),
    _file(
        "an organisation is nobody's son",
        '    if customer_type == "organisation":',
        "    if False:",
        f"{DOCUMENTS}::test_c1_what_cannot_be_true_together",
    ),
    _file(
        "a phone number is one that a subscriber can have",
        "not phonenumbers.is_valid_number(parsed):",
        "not phonenumbers.is_possible_number(parsed):",
        f"{PHONES}::test_c1_a_phone_number_is_stored_as_e164",
    ),
    _names(
        "traditional characters are searched as simplified ones",
        "    return _VARIANTS.get(simplified, simplified)",
        "    return character",
        "test_d13_found",
    ),
    _names("ü is typed as v, u or yu", 'for u in ("v", "u", "yu")}\n', 'for u in ("v",)}\n', "test_d13_found"),
    _names("every reading of a character counts", "heteronym=True", "heteronym=False", "test_d13_found"),
    _names("accents are ignored", "if not combining(character))", "if character)", "test_d13_found"),
    _names("words are found joined too", '"".join(words)]):', "]):", "test_d13_found"),
    _names(
        "neighbours stand in their order",
        'yield from (f"{first}{_JOINT}{second}" for first',
        'yield from (f"{second}{_JOINT}{first}" for first',
        "test_d13_not_found",
    ),
    _names(
        "what was typed asks for a bounded number of terms",
        "key=len)[:MOST_ALTERNATIVES]\n    by_script",
        "key=len)\n    by_script",
        "test_d13_what_is_typed_asks_for_little_however_it_is_meant",
    ),
)
