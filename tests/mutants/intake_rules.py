"""The rules of what core banking reports (D12)."""

from typing import Final

from tests.mutants.rules import Rule

_SERVICE: Final = "services/customer-svc"
_UNIT: Final = f"{_SERVICE}/tests/unit"
ANY_ORDER: Final = f"{_UNIT}/transactions/test_d12_any_order.py"
_POSTINGS: Final = "customer_svc/transactions/policy.py"


def _rule(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, file, text, without, test, package=_SERVICE)


_reversals = (
    _rule(
        "a reversal that comes late refuses who named it",
        _POSTINGS,
        "            self._refuse_late(self._reversal_of(before), NOT_A_POSTING)\n",
        "            pass\n",
        ANY_ORDER,
    ),
    _rule(
        "who names a refused reversal is refused",
        _POSTINGS,
        "original.state in (PostingState.REVERSAL, PostingState.REFUSED)",
        "original.state in (PostingState.REVERSAL,)",
        ANY_ORDER,
    ),
    _rule(
        "of two reversals the one booked first counts",
        _POSTINGS,
        "    return reversal.booked_on, reversal.external_id",
        '    return reversal.booked_on, ""',
        ANY_ORDER,
    ),
    _rule(
        "a reversal that lost its place is refused",
        _POSTINGS,
        "            self._refuse_late(self._reversal_of(original), ALREADY_REVERSED)\n",
        "            pass\n",
        ANY_ORDER,
    ),
    _rule(
        "a reversal that is not taken leaves no placeholder",
        _POSTINGS,
        "[key for key in inserted if key not in settling.rows]",
        "[]",
        ANY_ORDER,
    ),
)

INTAKE_RULES: Final = _reversals
