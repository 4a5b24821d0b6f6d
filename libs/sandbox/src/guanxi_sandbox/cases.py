"""Named customers: for each interesting case the one customer whom the data itself singles out (`docs/guides/sandbox.md`)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from guanxi_sandbox.berka import LAST_COMPLETE_DAY, Account, Berka, Transaction

LAST_MONDAY = LAST_COMPLETE_DAY - timedelta(days=LAST_COMPLETE_DAY.weekday())
CASH_AND_CARD = frozenset({"VKLAD", "VYBER", "VYBER KARTOU"})
BANK_SYMBOLS = frozenset({"SLUZBY", "SANKC. UROK"})
DORMANT_AFTER = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class NamedCase:
    """An account, its owner, and the rule that chose it."""

    name: str
    account_id: int
    client_id: int
    rule: str


Rows = Mapping[int, Sequence[Transaction]]
Candidate = tuple[tuple[int, ...], int]
"""How strong the case is, and the account; ties go to the lower account id."""


def named_cases(data: Berka) -> tuple[NamedCase, ...]:
    """The cases that the data holds, each on an account of its own: one chosen before is not chosen again."""
    rows: dict[int, list[Transaction]] = defaultdict(list)
    for row in data.transactions:
        rows[row.account_id].append(row)
    chosen: dict[int, NamedCase] = {}
    for name, (rule, candidates) in _CASES.items():
        found = max((c for c in candidates(data, rows) if c[1] not in chosen), key=lambda c: (c[0], -c[1]), default=None)
        if found is not None:
            account: Account = data.accounts[found[1]]
            chosen[account.account_id] = NamedCase(name, account.account_id, account.owner_id, rule)
    return tuple(chosen.values())


def is_customers_act(row: Transaction) -> bool:
    """Cash or card: the data set's only bookings on which somebody decided that day."""
    return row.operation in CASH_AND_CARD and row.symbol not in BANK_SYMBOLS


def _large_outflow(_: Berka, rows: Rows) -> Iterator[Candidate]:
    for account_id, own in rows.items():
        acts = (row for row in own if row.booked_on >= LAST_MONDAY and is_customers_act(row))
        outflow = max((-row.amount_minor for row in acts), default=0)
        if outflow > 0:
            yield (outflow,), account_id


def _dormant(_: Berka, rows: Rows) -> Iterator[Candidate]:
    for account_id, own in rows.items():
        silence = LAST_COMPLETE_DAY - max((row.booked_on for row in own if is_customers_act(row)), default=date.min)
        if silence > DORMANT_AFTER:
            yield (silence.days,), account_id


def _balance_drop(_: Berka, rows: Rows) -> Iterator[Candidate]:
    for account_id, own in rows.items():
        now = sum(row.amount_minor for row in own)
        before = sum(row.amount_minor for row in own if row.booked_on < LAST_MONDAY)
        if before > 0:
            yield ((before - now) * 100 // before, before), account_id


def _loan_in_arrears(data: Berka, _: Rows) -> Iterator[Candidate]:
    for loan in data.loans:
        if loan.status in ("B", "D"):
            yield (loan.amount_minor,), loan.account_id


def _overdrawn(_: Berka, rows: Rows) -> Iterator[Candidate]:
    for account_id, own in rows.items():
        penalties = [row for row in own if row.symbol == "SANKC. UROK"]
        if penalties:
            yield (len(penalties),), account_id


def _card_holder(data: Berka, rows: Rows) -> Iterator[Candidate]:
    uses = Counter(row.account_id for own in rows.values() for row in own if row.operation == "VYBER KARTOU")
    for card in data.cards:
        yield (uses[card.account_id],), card.account_id


def _joint_account(data: Berka, rows: Rows) -> Iterator[Candidate]:
    for account in data.accounts.values():
        if account.authorised_ids:
            yield (len(rows[account.account_id]),), account.account_id


def _busiest(_: Berka, rows: Rows) -> Iterator[Candidate]:
    for account_id, own in rows.items():
        yield (sum(map(is_customers_act, own)),), account_id


_CASES: Mapping[str, tuple[str, Callable[[Berka, Rows], Iterator[Candidate]]]] = {
    "large_outflow": ("the largest cash or card debit of the last week", _large_outflow),
    "dormant": ("the longest time, over 90 days, without cash or card use", _dormant),
    "balance_drop": ("the largest part of the balance gone within the last week", _balance_drop),
    "loan_in_arrears": ("the largest loan that was never repaid (status B or D)", _loan_in_arrears),
    "overdrawn": ("the most bookings of penalty interest", _overdrawn),
    "card_holder": ("the card holder with the most card use", _card_holder),
    "joint_account": ("the busiest account with an authorised second person", _joint_account),
    "busiest": ("the most cash and card bookings", _busiest),
}
