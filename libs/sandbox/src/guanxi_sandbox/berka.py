"""Reads the Berka data set (Berka & Sochorova, PKDD'99) as it lies in `deploy/sandbox/berka`; its ORIGIN.md tells the formats.

Dates are the published ones; `shift` moves them. Amounts are signed minor units of CZK: a credit is positive.
"""

import csv
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

FOLDER = Path("deploy/sandbox/berka")
SOURCE = "berka"
CURRENCY = "CZK"
LAST_COMPLETE_DAY = date(1994, 3, 30)

Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class District:
    district_id: int
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Client:
    """A person; the birth number tells birth date and sex, nothing else is known."""

    client_id: int
    birth_date: date
    sex: Sex
    district_id: int


@dataclass(frozen=True, slots=True)
class Account:
    """`district_id` is that of the branch; `owner_id` and `authorised_ids` (DISPONENT) are client ids."""

    account_id: int
    district_id: int
    statement: str
    opened_on: date
    owner_id: int
    authorised_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loan:
    """`status` is known only at the end of 1998: A repaid, B ended unpaid, C running, D running and in debt."""

    loan_id: int
    account_id: int
    granted_on: date
    amount_minor: int
    months: int
    payment_minor: int
    status: str


@dataclass(frozen=True, slots=True)
class Card:
    card_id: int
    account_id: int
    client_id: int
    kind: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Order:
    """A standing order; undated."""

    order_id: int
    account_id: int
    amount_minor: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row; `stated_balance_minor` is the bank's own balance after it."""

    transaction_id: int
    account_id: int
    booked_on: date
    amount_minor: int
    stated_balance_minor: int
    operation: str
    symbol: str

    @property
    def code(self) -> str:
        """Operation and symbol: the key of the activity classes."""
        return f"{self.operation}|{self.symbol}"


@dataclass(frozen=True, slots=True)
class Berka:
    """What was known on the last complete day: accounts, loans and cards up to it, transactions by date and then id."""

    districts: Mapping[int, District]
    clients: Mapping[int, Client]
    accounts: Mapping[int, Account]
    loans: tuple[Loan, ...]
    cards: tuple[Card, ...]
    orders: tuple[Order, ...]
    transactions: tuple[Transaction, ...]

    def only(self, account_ids: set[int]) -> "Berka":
        """The part of these accounts and the people who hold them."""
        accounts = {key: account for key, account in self.accounts.items() if key in account_ids}
        people = {person for account in accounts.values() for person in (account.owner_id, *account.authorised_ids)}
        return Berka(
            districts=self.districts,
            clients={key: client for key, client in self.clients.items() if key in people},
            accounts=accounts,
            loans=tuple(loan for loan in self.loans if loan.account_id in accounts),
            cards=tuple(card for card in self.cards if card.account_id in accounts),
            orders=tuple(order for order in self.orders if order.account_id in accounts),
            transactions=tuple(row for row in self.transactions if row.account_id in accounts),
        )


def read_berka(folder: Path = FOLDER) -> Berka:
    """Read the data set, keeping what is dated up to the last complete day.

    Raises `FileNotFoundError` where a file is missing, `ValueError` where a row does not fit the format.
    """
    holders = _read_holders(folder)
    accounts = _read_accounts(folder, holders)
    people = {person for account in accounts.values() for person in (account.owner_id, *account.authorised_ids)}
    clients = {client.client_id: client for client in _read_clients(folder) if client.client_id in people}
    return Berka(
        districts={int(row["A1"]): District(int(row["A1"]), row["A2"], row["A3"]) for row in _rows(folder / "district.asc.xz")},
        clients=clients,
        accounts=accounts,
        loans=tuple(loan for loan in _read_loans(folder) if loan.account_id in accounts and loan.granted_on <= LAST_COMPLETE_DAY),
        cards=tuple(card for card in _read_cards(folder) if card.account_id in accounts and card.issued_on <= LAST_COMPLETE_DAY),
        orders=tuple(order for order in _read_orders(folder) if order.account_id in accounts),
        transactions=_read_transactions(folder),
    )


def stated_balances(data: Berka) -> dict[int, int]:
    """The bank's own balance of each account at the end of its last day.

    The order inside a day is not told; of the balances stated on that day it is the one nearest the sum of all amounts (they differ
    by the rounding of the amounts, 0.70 CZK at most).
    """
    sums: dict[int, int] = {}
    last_day: dict[int, list[Transaction]] = {}
    for row in data.transactions:
        sums[row.account_id] = sums.get(row.account_id, 0) + row.amount_minor
        seen = last_day.setdefault(row.account_id, [])
        if seen and seen[0].booked_on < row.booked_on:
            seen.clear()
        seen.append(row)
    return {
        account_id: min((abs(row.stated_balance_minor - sums[account_id]), row.stated_balance_minor) for row in rows)[1]
        for account_id, rows in last_day.items()
    }


def parse_date(text: str) -> date:
    """`YYMMDD`, always of the twentieth century; a time of day behind it is ignored."""
    return date(1900 + int(text[0:2]), int(text[2:4]), int(text[4:6]))


def parse_birth_number(number: str) -> tuple[date, Sex]:
    """Birth date and sex of a Czech birth number, in which a woman's month has 50 added."""
    month = int(number[2:4])
    sex: Sex = "female" if month > 50 else "male"
    return date(1900 + int(number[0:2]), month - 50 if month > 50 else month, int(number[4:6])), sex


def parse_minor(text: str) -> int:
    """A decimal number with at most two decimals, in hundredths, without ever being a float."""
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(fraction) > 2 or not (whole + fraction).isdigit():
        raise ValueError(f"not an amount with two decimals: {text!r}")
    return sign * (int(whole) * 100 + int(fraction.ljust(2, "0")))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="ascii", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


def _read_holders(folder: Path) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Owner and authorised clients per account."""
    owners: dict[int, int] = {}
    authorised: dict[int, list[int]] = {}
    for row in _rows(folder / "disp.asc.xz"):
        account_id, client_id = int(row["account_id"]), int(row["client_id"])
        if row["type"] == "OWNER":
            owners[account_id] = client_id
        else:
            authorised.setdefault(account_id, []).append(client_id)
    return {account_id: (owner, tuple(sorted(authorised.get(account_id, ())))) for account_id, owner in owners.items()}


def _read_accounts(folder: Path, holders: Mapping[int, tuple[int, tuple[int, ...]]]) -> dict[int, Account]:
    accounts: dict[int, Account] = {}
    for row in _rows(folder / "account.asc.xz"):
        account_id, opened_on = int(row["account_id"]), parse_date(row["date"])
        if opened_on <= LAST_COMPLETE_DAY:
            owner, authorised = holders[account_id]
            accounts[account_id] = Account(account_id, int(row["district_id"]), row["frequency"], opened_on, owner, authorised)
    return dict(sorted(accounts.items()))


def _read_clients(folder: Path) -> Iterator[Client]:
    for row in _rows(folder / "client.asc.xz"):
        birth_date, sex = parse_birth_number(row["birth_number"])
        yield Client(int(row["client_id"]), birth_date, sex, int(row["district_id"]))


def _read_loans(folder: Path) -> Iterator[Loan]:
    for row in _rows(folder / "loan.asc.xz"):
        yield Loan(
            loan_id=int(row["loan_id"]),
            account_id=int(row["account_id"]),
            granted_on=parse_date(row["date"]),
            amount_minor=parse_minor(row["amount"]),
            months=int(row["duration"]),
            payment_minor=parse_minor(row["payments"]),
            status=row["status"],
        )


def _read_cards(folder: Path) -> Iterator[Card]:
    dispositions = {row["disp_id"]: row for row in _rows(folder / "disp.asc.xz")}
    for row in _rows(folder / "card.asc.xz"):
        disposition = dispositions[row["disp_id"]]
        yield Card(
            card_id=int(row["card_id"]),
            account_id=int(disposition["account_id"]),
            client_id=int(disposition["client_id"]),
            kind=row["type"],
            issued_on=parse_date(row["issued"]),
        )


def _read_orders(folder: Path) -> Iterator[Order]:
    for row in _rows(folder / "order.asc.xz"):
        yield Order(int(row["order_id"]), int(row["account_id"]), parse_minor(row["amount"]), row["k_symbol"].strip())


def _read_transactions(folder: Path) -> tuple[Transaction, ...]:
    signs = {"PRIJEM": 1, "VYDAJ": -1, "VYBER": -1}
    transactions = [
        Transaction(
            transaction_id=int(row["trans_id"]),
            account_id=int(row["account_id"]),
            booked_on=booked_on,
            amount_minor=signs[row["type"]] * parse_minor(row["amount"]),
            stated_balance_minor=parse_minor(row["balance"]),
            operation=row["operation"].strip(),
            symbol=row["k_symbol"].strip(),
        )
        for row in _rows(folder / "trans_1993-01_1994-03.asc.xz")
        if (booked_on := parse_date(row["date"])) <= LAST_COMPLETE_DAY
    ]
    return tuple(sorted(transactions, key=lambda row: (row.booked_on, row.transaction_id)))
