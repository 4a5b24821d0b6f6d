"""The load adds everything once, goes on after an interruption, and changes nothing the second time."""

from datetime import date

import pytest
from guanxi_common.http.client import ApiClient, ApiError
from guanxi_sandbox.agreements import said_by
from guanxi_sandbox.berka import stated_balances
from guanxi_sandbox.catalogue import loans, months_after, products
from guanxi_sandbox.export import choose_accounts
from guanxi_sandbox.loader import CORE_BANKING, Callers, SandboxRejected, load_sandbox
from guanxi_sandbox.shift import Shift
from guanxi_sandbox.staffing import outlets, placements, staff
from guanxi_sandbox.state import StateFile

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 23)


async def no_pause(_seconds: float) -> None:
    """Does not wait."""


async def load(bank, data, folder, *, today=TODAY, progress=lambda *_: None):
    async with bank.client() as http:
        callers = (ApiClient(http, token, attempts=2, pause=no_pause) for token in ("president", "compliance", "core"))
        return await load_sandbox(Callers(*callers), data, StateFile(folder / "sandbox.json"), today, progress=progress)


@pytest.fixture
def part(berka):
    return berka.only(choose_accounts(berka, 20))


async def test_everything_is_there_once(bank, part, tmp_path):
    report = await load(bank, part, tmp_path)
    assert report.shift == Shift(1_703)
    assert report.added == {
        "outlets": len(outlets()),
        "staff": len(staff()),
        "clients": 1,
        "products": len(products()),
        "customers": len(part.clients),
        "assignments": len(part.clients),
        "agreements": len(agreements(part)),
        "accounts": 20,
        "loans": len(part.loans),
        "transactions": len(part.transactions),
        "balances": 20,
    }
    assert set(bank.staff) == {member.subject for member in staff()}
    assert bank.clients[CORE_BANKING]["sources"] == ["berka", "core"]
    assert {number: int(account["holder"]["customer_number"]) for number, account in bank.accounts.items()} == {
        **{str(account.account_id): account.owner_id for account in part.accounts.values()},
        **{f"loan-{loan.loan_id}": part.accounts[loan.account_id].owner_id for loan in part.loans},
    }
    assert list(bank.products) == [product["code"] for product in products()]
    assert sum(posting["money"]["amount"] for posting in bank.postings.values()) == sum(
        row.amount_minor for row in part.transactions
    )


def agreements(part):
    return [said for client_id in part.clients for said in said_by(client_id, Shift(1_703))]


async def test_every_agreement_is_told_once_and_marked_as_generated(bank, part, tmp_path):
    await load(bank, part, tmp_path)
    told = [body for said in bank.said.values() for body in said]
    assert sorted(map(str, told)) == sorted(str(said.body) for said in agreements(part))
    assert {body["data_origin"] for body in told} == {"generated"}


async def test_customers_are_with_their_outlet_and_rm(bank, part, tmp_path):
    await load(bank, part, tmp_path)
    for place in placements(part):
        customer = bank.customers[str(place.client_id)]
        assert customer["outlet_id"] == bank.outlets[place.outlet]["id"]
        assert bank.assignments[customer["id"]] == {
            "rm_id": bank.staff[place.rm]["id"],
            "assistant_id": bank.staff[place.assistant]["id"],
        }


async def test_tree_and_reporting_lines_are_kept(bank, part, tmp_path):
    await load(bank, part, tmp_path)
    assert bank.outlets["prague"]["parent_id"] == bank.outlets["central"]["id"]
    assert bank.staff["rm-prague-1"]["reports_to"] == bank.staff["lead-prague"]["id"]
    assert "parent_id" not in bank.outlets["head-office"]


async def test_a_second_load_asks_nothing_and_keeps_the_shift(bank, part, tmp_path):
    await load(bank, part, tmp_path)
    requests = bank.requests
    report = await load(bank, part, tmp_path, today=date(2027, 3, 1))
    assert (bank.requests, report.shift, report.transactions) == (requests, Shift(1_703), None)


async def test_a_load_whose_memory_was_lost_adds_nothing(bank, part, tmp_path):
    await load(bank, part, tmp_path / "one")
    report = await load(bank, part, tmp_path / "two")
    assert set(report.added.values()) == {0}
    assert report.transactions.statuses == {"duplicate": len(part.transactions)}


@pytest.mark.parametrize("per_cent", [2, 30, 60, 90, 99])
async def test_an_interrupted_load_goes_on(bank, part, tmp_path, per_cent):
    undisturbed = type(bank)()
    await load(undisturbed, part, tmp_path / "undisturbed")
    bank.fail_after = undisturbed.requests * per_cent // 100
    with pytest.raises(ApiError):
        await load(bank, part, tmp_path)
    bank.fail_after = None
    await load(bank, part, tmp_path, today=date(2026, 12, 24))
    assert len(bank.customers) == len(bank.assignments) == len(part.clients)
    assert sum(map(len, bank.said.values())) == len(agreements(part))
    assert len(bank.products) == len(products())
    assert (len(bank.accounts), len(bank.balances)) == (20 + len(part.loans), 20)
    assert len(bank.postings) == len(part.transactions)
    assert max(posting["booked_on"] for posting in bank.postings.values()) <= "2026-11-22"


async def test_an_api_that_refuses_is_an_error_not_a_silent_gap(bank, part, tmp_path):
    bank.postings["berka", str(part.transactions[0].account_id), str(part.transactions[0].transaction_id)] = {"other": True}
    with pytest.raises(SandboxRejected, match="content_differs"):
        await load(bank, part, tmp_path)
    assert not StateFile(tmp_path / "sandbox.json").state.loaded


async def test_progress_ends_at_the_total(bank, part, tmp_path):
    last = {}
    await load(bank, part, tmp_path, progress=lambda stage, done, total: last.update({stage: (done, total)}))
    assert all(done == total for done, total in last.values())
    assert list(last) == ["customers", "assignments", "agreements", "accounts", "loans", "transactions", "balances"]


async def test_stated_balances_are_the_banks_own(berka):
    balances = stated_balances(berka)
    assert len(balances) == 1_229
    assert balances[3510] == 5_162_840  # by hand: 51,628.40, beside the sum 51,628.30


async def test_a_loan_matures_when_its_last_month_ends(berka):
    opened = {item["account_number"]: item for item in loans(berka, Shift())}
    assert len(opened) == 37
    first = min(berka.loans, key=lambda loan: loan.granted_on)
    item = opened[f"loan-{first.loan_id}"]
    assert (first.months, item["opened_on"], item["matures_on"]) == (12, "1993-07-05", "1994-07-05")
    assert months_after(date(1993, 10, 31), 16) == date(1995, 2, 28)
