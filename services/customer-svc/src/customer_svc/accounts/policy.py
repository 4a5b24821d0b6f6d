"""Pure rules of the account intake."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from guanxi_common.currencies import in_use, in_use_between
from guanxi_common.errors import Text
from guanxi_common.security.principal import RowScope

from customer_svc.accounts.schemas import AccountItem

EARLIEST_BOOKING = date(1900, 1, 1)
DAYS_AHEAD = 366
YEARS_TO_MATURITY = 100


@dataclass(frozen=True, slots=True)
class Account:
    """One account; balance in minor units of its currency, as core banking last reported it."""

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


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    detail: Text


@dataclass(frozen=True, slots=True)
class Change:
    """The account as it is to be; `kind` says which event tells it, None where nothing is new."""

    account: Account
    kind: str | None


SOURCE_NOT_YOURS = Refusal("source_not_yours", Text("You do not report for this source.", "该来源不属于此客户端。"))
UNKNOWN_HOLDER = Refusal("unknown_customer", Text("The holder is not registered.", "账户持有人未登记。"))
UNKNOWN_ACCOUNT = Refusal("unknown_account", Text("The account has not been opened.", "账户尚未开立。"))
DIFFERS = Refusal("content_differs", Text("The account was reported with other content.", "同一账户的内容不一致。"))
INCOMPLETE = Refusal("incomplete_item", Text("A field that this kind needs is missing.", "缺少该类型必填的字段。"))
UNKNOWN_CURRENCY = Refusal(
    "unknown_currency", Text("Not an ISO 4217 currency in use then.", "不是当时有效的 ISO 4217 货币代码。")
)
IMPLAUSIBLE_DATE = Refusal("implausible_date", Text("A date is out of range.", "日期超出范围。"))
IMPLAUSIBLE_MATURITY = Refusal(
    "implausible_maturity", Text("matures_on is before opened_on, or a century after it.", "到期日早于开户日期，或在百年之后。")
)
CLOSED_BEFORE_OPENED = Refusal("closed_before_opened", Text("closed_on is before opened_on.", "销户日期早于开户日期。"))


def why_not_yours(item: AccountItem, scope: RowScope) -> Refusal | None:
    """Whether the caller speaks for the account's source, and for the one that numbers the holder: else one system could hang its
    accounts on another's customers.
    """
    sources = {item.source} if item.holder is None else {item.source, item.holder.source}
    return None if all(scope.speaks_for(source) for source in sources) else SOURCE_NOT_YOURS


def decide(item: AccountItem, account_id: UUID, holder: UUID | None, before: Account | None, today: date) -> Change | Refusal:
    """What an item changes, given the account as it stands. Dates lie between 1900 and a year ahead, maturities up to a century."""
    dates = [on for on in (item.opened_on, item.closed_on, item.balance_as_of) if on is not None]
    if any(on < EARLIEST_BOOKING or (on - today).days > DAYS_AHEAD for on in dates):
        return IMPLAUSIBLE_DATE
    if item.kind == "opened":
        return _open(item, account_id, holder, before, today)
    if before is None:
        return UNKNOWN_ACCOUNT
    return _close(item, before) if item.kind == "closed" else _report_balance(item, before)


def _open(item: AccountItem, account_id: UUID, holder: UUID | None, before: Account | None, today: date) -> Change | Refusal:
    if item.holder is None or item.product_code is None or item.currency is None or item.opened_on is None:
        return INCOMPLETE
    if not in_use_between(item.currency, item.opened_on, today):
        return UNKNOWN_CURRENCY
    if holder is None:
        return UNKNOWN_HOLDER
    if item.matures_on is not None and not _matures_in_time(item.opened_on, item.matures_on):
        return IMPLAUSIBLE_MATURITY
    account = Account(
        account_id,
        item.source,
        item.account_number,
        holder,
        item.product_code,
        item.currency,
        item.opened_on,
        item.matures_on,
    )
    if before is None:
        return Change(account, "opened")
    same = replace(before, closed_on=None, balance_minor=None, balance_as_of=None) == account
    return Change(before, None) if same else DIFFERS


def _matures_in_time(opened_on: date, matures_on: date) -> bool:
    return opened_on <= matures_on and matures_on.year - opened_on.year <= YEARS_TO_MATURITY


def _close(item: AccountItem, before: Account) -> Change | Refusal:
    if item.closed_on is None:
        return INCOMPLETE
    if item.closed_on < before.opened_on:
        return CLOSED_BEFORE_OPENED
    if before.closed_on is not None:
        return Change(before, None) if before.closed_on == item.closed_on else DIFFERS
    return Change(replace(before, closed_on=item.closed_on), "closed")


def _report_balance(item: AccountItem, before: Account) -> Change | Refusal:
    """An older report than the one we have changes nothing."""
    if item.balance is None or item.balance_as_of is None or item.balance.currency != before.currency:
        return INCOMPLETE
    if not in_use(before.currency, item.balance_as_of):
        return UNKNOWN_CURRENCY
    if before.balance_as_of is not None and item.balance_as_of <= before.balance_as_of:
        same = (before.balance_as_of, before.balance_minor) == (item.balance_as_of, item.balance.amount)
        older = item.balance_as_of < before.balance_as_of
        return Change(before, None) if same or older else DIFFERS
    return Change(replace(before, balance_minor=item.balance.amount, balance_as_of=item.balance_as_of), "balance_reported")
