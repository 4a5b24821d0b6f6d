"""The sandbox's products, and the loans as core banking would report them."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any

import yaml

from guanxi_sandbox.berka import CURRENCY, SOURCE, Berka
from guanxi_sandbox.shift import Shift

LOAN_CODE = "loan"


def products() -> list[dict[str, Any]]:
    """The bodies of `POST /v1/products`, in an order in which links find their products."""
    text = files("guanxi_sandbox").joinpath("products.yaml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def loans(data: Berka, shift: Shift) -> Iterator[dict[str, Any]]:
    """The items that open each loan, on its account's owner, with the day on which its last month ends.

    The data tells no balance of a loan; its instalments are booked on the current account.
    """
    for loan in data.loans:
        yield {
            "source": SOURCE,
            "account_number": f"loan-{loan.loan_id}",
            "kind": "opened",
            "holder": {"source": SOURCE, "customer_number": str(data.accounts[loan.account_id].owner_id)},
            "product_code": LOAN_CODE,
            "currency": CURRENCY,
            "opened_on": shift.apply(loan.granted_on).isoformat(),
            "matures_on": shift.apply(months_after(loan.granted_on, loan.months)).isoformat(),
        }


def months_after(day: date, months: int) -> date:
    """The same day of the month, or the month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
