"""What was known of the Berka bank's accounts at a cut, and what happened in the twelve months after it.

Everything is recomputed from dated rows up to the cut. Orders and dispositions carry no date and are left out, but for the owner,
without whom an account is not opened; `has_loan`, `has_card`, `n_orders` and `order_amount_sum` of the aggregates know the future.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring_svc.evaluation.sources import Sources, birth, short_day
from scoring_svc.training.metrics import Outcomes
from scoring_svc.training.table import Column, Floats, Ints, RawTable, Table, number

LAST_CUT: Final = date(1997, 12, 31)
HORIZON_DAYS: Final = 365
DAYS_OPEN_FOR_A_CARD: Final = 180
FUTURE: Final = ("has_loan", "has_card", "n_orders", "order_amount_sum", "churned")
_DISTRICT: Final = {
    "inhabitants": "A4",
    "urban_ratio": "A10",
    "average_salary": "A11",
    "unemployment_95": "A12",
    "entrepreneurs_per_1000": "A14",
    "crimes_95": "A15",
}
"""Only what the bank could know at the earliest cut: the figures of 1996 (A13, A16) are left out of the static features."""


@dataclass(frozen=True, slots=True)
class Loan:
    day: int
    amount: float
    months: float
    payment: float


@dataclass(frozen=True)
class Bank:
    """The dated facts, by account. No account has more than one loan or one card."""

    opened: dict[int, int]
    statement: dict[int, str]
    district: dict[int, int]
    owner_born: dict[int, int]
    owner_woman: dict[int, bool]
    loans: dict[int, Loan]
    cards: dict[int, int]
    districts: dict[int, dict[str, float]]


@dataclass(frozen=True)
class Sample:
    """Accounts at one cut, what was known of them, and whether the outcome followed."""

    accounts: Ints
    features: Table
    outcome: Outcomes

    def take(self, rows: NDArray[np.bool_]) -> "Sample":
        return Sample(self.accounts[rows], self.features.take(rows), self.outcome[rows])


def read_bank(sources: Sources) -> Bank:
    account, disp, client = sources.berka("account"), sources.berka("disp"), sources.berka("client")
    loan, card, district = sources.berka("loan"), sources.berka("card"), sources.berka("district")
    born = {int(i): birth(b) for i, b in _rows(client, "client_id", "birth_number")}
    owner = {int(a): born[int(c)] for a, c, kind in _rows(disp, "account_id", "client_id", "type") if kind == "OWNER"}
    account_of = {int(d): int(a) for d, a in _rows(disp, "disp_id", "account_id")}
    return Bank(
        opened={int(a): short_day(d) for a, d in _rows(account, "account_id", "date")},
        statement={int(a): f for a, f in _rows(account, "account_id", "frequency")},
        district={int(a): int(d) for a, d in _rows(account, "account_id", "district_id")},
        owner_born={a: day for a, (day, _) in owner.items()},
        owner_woman={a: woman for a, (_, woman) in owner.items()},
        loans={
            int(a): Loan(short_day(d), float(amount), float(months), float(payment))
            for a, d, amount, months, payment in _rows(loan, "account_id", "date", "amount", "duration", "payments")
        },
        cards={account_of[int(d)]: short_day(day) for d, day in _rows(card, "disp_id", "issued")},
        districts={
            int(code): {name: _known(cell) for name, cell in zip(_DISTRICT, cells, strict=True)}
            for code, *cells in _rows(district, "A1", *_DISTRICT.values())
        },
    )


def static_features(bank: Bank, accounts: Ints, cut: int) -> Table:
    """What the bank's own dated tables told of each account by the end of day `cut`: no transactions."""
    column = _columns(accounts)
    held = {a: loan for a, loan in bank.loans.items() if loan.day <= cut}
    cards = {a: day for a, day in bank.cards.items() if day <= cut}
    numbers: dict[str, Column] = {
        "tenure_days": column(lambda a: cut - bank.opened[a]),
        "owner_age": column(lambda a: (cut - bank.owner_born[a]) / 365.25),
        "owner_woman": column(lambda a: bank.owner_woman[a]),
        "holds_loan": column(lambda a: a in held),
        "holds_card": column(lambda a: a in cards),
        "loan_days": column(lambda a: cut - held[a].day if a in held else np.nan),
        "loan_amount": column(lambda a: held[a].amount if a in held else np.nan),
        "loan_payment": column(lambda a: held[a].payment if a in held else np.nan),
        "loan_months_left": column(lambda a: held[a].months - (cut - held[a].day) / 30.44 if a in held else np.nan),
        "card_days": column(lambda a: cut - cards[a] if a in cards else np.nan),
    }
    texts: dict[str, Column] = {"statement": np.array([bank.statement[a] for a in accounts.tolist()], dtype=np.str_)}
    districts = [bank.districts[bank.district[a]] for a in accounts.tolist()]
    district: dict[str, Column] = {name: np.array([figures[name] for figures in districts]) for name in _DISTRICT}
    return Table({**numbers, **texts, **district})


def issued_card(bank: Bank, cut: int) -> Sample:
    """Accounts without a card at the cut, open for 180 days; outcome: a card was issued within twelve months."""
    old_enough = _opened_by(bank, cut - DAYS_OPEN_FOR_A_CARD)
    return _sample(bank, [a for a in old_enough if bank.cards.get(a, cut + 1) > cut], cut, bank.cards)


def granted_loan(bank: Bank, cut: int) -> Sample:
    """Accounts without a loan at the cut; outcome: a loan was granted within twelve months."""
    days = {a: loan.day for a, loan in bank.loans.items()}
    return _sample(bank, [a for a in _opened_by(bank, cut) if days.get(a, cut + 1) > cut], cut, days)


def _sample(bank: Bank, accounts: list[int], cut: int, events: dict[int, int]) -> Sample:
    chosen = np.array(accounts, dtype=np.int64)
    outcome = np.array([cut < events.get(a, cut) <= cut + HORIZON_DAYS for a in accounts])
    return Sample(chosen, static_features(bank, chosen, cut), outcome)


def _opened_by(bank: Bank, day: int) -> list[int]:
    return sorted(a for a, opened in bank.opened.items() if opened <= day)


def _columns(accounts: Ints) -> Callable[[Callable[[int], float]], Floats]:
    return lambda value: np.array([value(a) for a in accounts.tolist()], dtype=np.float64)


def _rows(table: RawTable, *names: str) -> "zip[tuple[str, ...]]":
    return zip(*(table.column(name) for name in names), strict=True)


def _known(cell: str) -> float:
    value = number(cell)
    return np.nan if value is None else value
