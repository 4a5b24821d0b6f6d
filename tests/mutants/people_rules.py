"""The rules of responsibility (D11); see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
BOOK: Final = f"{CUSTOMER}/tests/unit/assignments/test_d11_book.py"
TRANSFERS: Final = f"{CUSTOMER}/tests/integration/directory/test_d11_transfers.py"


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/{file}", text, without, test, CUSTOMER)


_transfers = (
    _customer(
        "a transfer that is about to take effect stays",
        "assignments/service.py",
        "    if policy.is_settled(transfer, now):",
        "    if False:",
        f"{TRANSFERS}::test_d11_only_what_is_pending_is_changed",
    ),
    _customer(
        "what a cancelled transfer would have ended stays open",
        "assignments/policy.py",
        "    return [replace(i, valid_to=None) if i.valid_to is not None and i.valid_to > now else i for i in begun]",
        "    return begun",
        f"{BOOK}::test_d11_a_cancelled_transfer_leaves_the_book_as_it_was",
    ),
    _customer(
        "one transfer at a time is pending",
        "assignments/service.py",
        "    if transfer := policy.pending_transfer(book, write.now):",
        "    if transfer := None:",
        f"{TRANSFERS}::test_d11_a_transfer_to_2062_is_taken_back",
    ),
)

PEOPLE_RULES: Final = (*_transfers,)
