"""The rules of what core banking reports (D12)."""

from typing import Final

from tests.mutants.rules import Rule

_SERVICE: Final = "services/customer-svc"
_UNIT: Final = f"{_SERVICE}/tests/unit"
ANY_ORDER: Final = f"{_UNIT}/transactions/test_d12_any_order.py"
CURRENCIES: Final = "libs/common/tests/unit/test_d12_currencies.py"
OF_ITS_DAY: Final = f"{_UNIT}/transactions/test_d12_items.py"
FACTS: Final = f"{_UNIT}/accounts/test_d12_account_facts.py"
_ACCOUNTS: Final = "customer_svc/accounts/policy.py"
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

_currencies = (
    Rule(
        "a currency ends",
        "guanxi_common/currencies.py",
        "        and (currency.valid_to is None or on <= currency.valid_to)\n",
        "",
        CURRENCIES,
    ),
    Rule(
        "a currency begins",
        "guanxi_common/currencies.py",
        "        and (currency.valid_from is None or currency.valid_from <= on)\n",
        "",
        CURRENCIES,
    ),
    _rule(
        "a posting is in a currency of its day",
        _POSTINGS,
        "not in_use(item.money.currency, item.booked_on):",
        "False:",
        OF_ITS_DAY,
    ),
    _rule(
        "a batch of new postings is in currencies of their days",
        _POSTINGS,
        "    if not all(in_use(*told) for told",
        "    if not all(True for told",
        OF_ITS_DAY,
    ),
)

_accounts = (
    _rule(
        "an older report of a balance is outdated",
        _ACCOUNTS,
        "    if held is not None and _is_older(reported_at, held.reported_at):\n        return Change(before, outdated=True)\n",
        "",
        FACTS,
    ),
    _rule(
        "an older report of a closing is outdated",
        _ACCOUNTS,
        "    if _is_older(reported_at, before.status_reported_at):\n        return Change(before, outdated=True)\n"
        "    if item.closed_on < before.opened_on:",
        "    if item.closed_on < before.opened_on:",
        FACTS,
    ),
    _rule(
        "what is said again counts as said later",
        _ACCOUNTS,
        "        return Change(after)\n",
        "        return Change(before)\n",
        FACTS,
    ),
    _rule("a balance of a day to come is refused", _ACCOUNTS, "    if item.balance_as_of > today:", "    if False:", FACTS),
    _rule("a balance of an earlier day leaves the account as it is", _ACCOUNTS, "    if is_latest:", "    if True:", FACTS),
    _rule(
        "a report from times to come is refused",
        _ACCOUNTS,
        " or reported_at > received_at + CLOCKS_APART:",
        ":",
        FACTS,
    ),
)

INTAKE_RULES: Final = (*_reversals, *_currencies, *_accounts)
