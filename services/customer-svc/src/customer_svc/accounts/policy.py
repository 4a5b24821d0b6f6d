"""Pure rules of the account intake."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from guanxi_common.currencies import in_use, in_use_between
from guanxi_common.errors import Text
from guanxi_common.instants import is_bounded
from guanxi_common.security.principal import RowScope

from customer_svc.accounts.schemas import AccountItem

EARLIEST_BOOKING = date(1900, 1, 1)
DAYS_AHEAD = 366
YEARS_TO_MATURITY = 100
CLOCKS_APART = timedelta(hours=1)
"""So far may core banking's clock be ahead of ours. A report of later than that would outdate the true ones that follow."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account; balance in minor units of its currency, as core banking reported it for the latest business day.

    `revision` rises with each fact that is taken. `opening_reported_at` and `status_reported_at`: when core banking last spoke of what the
    account is, and of whether it is closed; None for what was taken before reports had a time.
    """

    id: UUID
    source: str
    account_number: str
    customer_id: UUID
    product_code: str
    currency: str
    opened_on: date
    matures_on: date | None = None
    closed_on: date | None = None
    balance_minor: int | None = None
    balance_as_of: date | None = None
    revision: int = 1
    opening_reported_at: datetime | None = None
    status_reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account held at the end of the business day `as_of`, and when core banking last said so."""

    account_id: UUID
    as_of: date
    balance_minor: int
    reported_at: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    detail: Text


Kind = Literal["opened", "closed", "reopened", "balance_reported"]


@dataclass(frozen=True, slots=True)
class Change:
    """The account, and the day's balance, as they are from now on. `kind` says which event tells it, None where nothing is new.

    `outdated`: core banking has said something later of it, so that the account stays as it is.
    """

    account: Account
    kind: Kind | None = None
    balance: Balance | None = None
    outdated: bool = False

    @property
    def status(self) -> Literal["created", "duplicate", "outdated"]:
        if self.outdated:
            return "outdated"
        return "created" if self.kind else "duplicate"


SOURCE_NOT_YOURS = Refusal("source_not_yours", Text("You do not report for this source.", "该来源不属于此客户端。"))
UNKNOWN_HOLDER = Refusal("unknown_customer", Text("The holder is not registered.", "账户持有人未登记。"))
UNKNOWN_ACCOUNT = Refusal("unknown_account", Text("The account has not been opened.", "账户尚未开立。"))
OTHER_CURRENCY = Refusal("content_differs", Text("The account was opened in another currency.", "账户币种与开户时不一致。"))
OTHER_HOLDER = Refusal(
    "holder_differs",
    Text("The account belongs to another customer; its postings do not move.", "账户属于其他客户，流水不能转移。"),
)
INCOMPLETE = Refusal("incomplete_item", Text("A field that this kind needs is missing.", "缺少该类型必填的字段。"))
UNKNOWN_CURRENCY = Refusal(
    "unknown_currency", Text("Not an ISO 4217 currency in use then.", "不是当时有效的 ISO 4217 货币代码。")
)
IMPLAUSIBLE_DATE = Refusal("implausible_date", Text("A date is out of range.", "日期超出范围。"))
IMPLAUSIBLE_MATURITY = Refusal(
    "implausible_maturity", Text("matures_on is before opened_on, or a century after it.", "到期日早于开户日期，或在百年之后。")
)
IMPLAUSIBLE_TIME = Refusal(
    "implausible_time", Text("reported_at lies ahead, or is out of range.", "reported_at 晚于当前或超出范围。")
)
REPORTED_AT_MISSING = Refusal("reported_at_missing", Text("reported_at is required here.", "此处必须填写 reported_at。"))
FUTURE_BALANCE = Refusal("future_balance", Text("The business day of the balance has not come.", "余额日期尚未到来。"))
CLOSED_BEFORE_OPENED = Refusal("closed_before_opened", Text("closed_on is before opened_on.", "销户日期早于开户日期。"))


def why_not_yours(item: AccountItem, scope: RowScope) -> Refusal | None:
    """Whether the caller speaks for the account's source, and for the one that numbers the holder: else one system could hang its
    accounts on another's customers.
    """
    sources = {item.source} if item.holder is None else {item.source, item.holder.source}
    return None if all(scope.speaks_for(source) for source in sources) else SOURCE_NOT_YOURS


@dataclass(frozen=True, slots=True)
class Held:
    """What there is when an item comes: the customer whom it names as holder, the account, and its balance of the same day."""

    account_id: UUID
    holder: UUID | None
    account: Account | None
    balance: Balance | None


def decide(item: AccountItem, held: Held, reported_at: datetime, received_at: datetime, today: date) -> Change | Refusal:
    """What an item changes.

    Of each thing that core banking says of an account (what it is, whether it is closed, what it held on a day) the report of the latest
    `reported_at` stands, of two of the same time the one that came last; so the order of arrival does not matter. Dates lie between
    1900 and a year ahead, maturities up to a century, balances up to `today`, the business date.
    """
    if not is_bounded(reported_at) or reported_at > received_at + CLOCKS_APART:
        return IMPLAUSIBLE_TIME
    dates = [on for on in (item.opened_on, item.closed_on, item.balance_as_of) if on is not None]
    if any(on < EARLIEST_BOOKING or (on - today).days > DAYS_AHEAD for on in dates):
        return IMPLAUSIBLE_DATE
    if item.kind == "opened":
        return _open(item, held, reported_at, today)
    before = held.account
    if before is None:
        return UNKNOWN_ACCOUNT
    if item.kind == "balance_reported":
        return _report_balance(item, before, held.balance, reported_at, today)
    return _close(item, before, reported_at) if item.kind == "closed" else _reopen(before, reported_at)


def _is_older(reported_at: datetime, held: datetime | None) -> bool:
    return held is not None and reported_at < held


def _open(item: AccountItem, held: Held, reported_at: datetime, today: date) -> Change | Refusal:
    holder, before = held.holder, held.account
    if item.holder is None or item.product_code is None or item.currency is None or item.opened_on is None:
        return INCOMPLETE
    if not in_use_between(item.currency, item.opened_on, max(item.opened_on, today)):
        return UNKNOWN_CURRENCY
    if holder is None:
        return UNKNOWN_HOLDER
    if item.matures_on is not None and not _matures_in_time(item.opened_on, item.matures_on):
        return IMPLAUSIBLE_MATURITY
    if before is None:
        account = Account(
            id=held.account_id,
            source=item.source,
            account_number=item.account_number,
            customer_id=holder,
            product_code=item.product_code,
            currency=item.currency,
            opened_on=item.opened_on,
            matures_on=item.matures_on,
            opening_reported_at=reported_at,
        )
        return Change(account, "opened")
    if before.customer_id != holder or before.currency != item.currency:
        return OTHER_HOLDER if before.customer_id != holder else OTHER_CURRENCY
    if _is_older(reported_at, before.opening_reported_at):
        return Change(before, outdated=True)
    if before.closed_on is not None and before.closed_on < item.opened_on:
        return CLOSED_BEFORE_OPENED
    account = replace(
        before,
        product_code=item.product_code,
        opened_on=item.opened_on,
        matures_on=item.matures_on,
        opening_reported_at=reported_at,
    )
    return _taken(before, account, "opened")


def _matures_in_time(opened_on: date, matures_on: date) -> bool:
    return opened_on <= matures_on and matures_on.year - opened_on.year <= YEARS_TO_MATURITY


def _close(item: AccountItem, before: Account, reported_at: datetime) -> Change | Refusal:
    if item.closed_on is None:
        return INCOMPLETE
    if _is_older(reported_at, before.status_reported_at):
        return Change(before, outdated=True)
    if item.closed_on < before.opened_on:
        return CLOSED_BEFORE_OPENED
    return _taken(before, replace(before, closed_on=item.closed_on, status_reported_at=reported_at), "closed")


def _reopen(before: Account, reported_at: datetime) -> Change:
    if _is_older(reported_at, before.status_reported_at):
        return Change(before, outdated=True)
    return _taken(before, replace(before, closed_on=None, status_reported_at=reported_at), "reopened")


def _taken(before: Account, after: Account, kind: Kind) -> Change:
    """What is said again counts as said later, else an older report that comes after it would displace it."""
    times = {"opening_reported_at": before.opening_reported_at, "status_reported_at": before.status_reported_at}
    if replace(after, **times) == before:  # type: ignore[arg-type]  # a dictionary's values have one type
        return Change(after)
    return Change(replace(after, revision=before.revision + 1), kind)


def _report_balance(
    item: AccountItem, before: Account, held: Balance | None, reported_at: datetime, today: date
) -> Change | Refusal:
    """A balance of an earlier day than the latest one is kept for its day, and changes the account no more."""
    if item.balance is None or item.balance_as_of is None or item.balance.currency != before.currency:
        return INCOMPLETE
    if item.balance_as_of > today:
        return FUTURE_BALANCE
    if not in_use(before.currency, item.balance_as_of):
        return UNKNOWN_CURRENCY
    is_latest = before.balance_as_of is None or item.balance_as_of >= before.balance_as_of
    if held is not None and _is_older(reported_at, held.reported_at):
        return Change(before, outdated=True)
    if held is not None and held.balance_minor == item.balance.amount:
        return Change(before, None, replace(held, reported_at=reported_at), outdated=not is_latest)
    account = replace(before, revision=before.revision + 1)
    balance = Balance(before.id, item.balance_as_of, item.balance.amount, reported_at, account.revision)
    if is_latest:
        account = replace(account, balance_minor=balance.balance_minor, balance_as_of=balance.as_of)
    return Change(account, "balance_reported", balance, outdated=not is_latest)
