"""The rules of the customer file; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
NAMES: Final = f"{CUSTOMER}/tests/unit/customers/test_d13_names.py"


def _names(name: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, "customer_svc/customers/names.py", text, without, f"{NAMES}::{test}", CUSTOMER)


CUSTOMER_RULES: Final = (
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
