"""The named customers are those that the data singles out, and the guide lists the same ones."""

from pathlib import Path

from guanxi_sandbox.cases import LAST_MONDAY, named_cases

GUIDE = Path(__file__).parents[4] / "docs/guides/sandbox.md"


def test_cases_are_distinct_and_owned(berka):
    cases = named_cases(berka)
    assert len({case.account_id for case in cases}) == len(cases) == 8
    assert all(berka.accounts[case.account_id].owner_id == case.client_id for case in cases)


def test_large_outflow_is_the_largest_of_the_last_week(berka):
    (case,) = (case for case in named_cases(berka) if case.name == "large_outflow")
    cash_out = {
        row.amount_minor: row.account_id
        for row in berka.transactions
        if row.booked_on >= LAST_MONDAY and row.operation.startswith("VYBER") and row.symbol not in ("SLUZBY", "SANKC. UROK")
    }
    assert min(cash_out) == -5_590_000
    assert cash_out[-5_590_000] == case.account_id


def test_dormant_made_no_move_for_half_a_year(berka):
    (case,) = (case for case in named_cases(berka) if case.name == "dormant")
    operations = {row.operation for row in berka.transactions if row.account_id == case.account_id and row.booked_on.year == 1994}
    assert operations.isdisjoint({"VKLAD", "VYBER KARTOU"})


def test_arrears_and_joint_accounts_are_what_they_say(berka):
    cases = {case.name: case for case in named_cases(berka)}
    assert [loan.status for loan in berka.loans if loan.account_id == cases["loan_in_arrears"].account_id] == ["B"]
    assert berka.accounts[cases["joint_account"].account_id].authorised_ids


def test_the_guide_lists_these_customers(berka):
    guide = GUIDE.read_text(encoding="utf-8")
    for case in named_cases(berka):
        assert f"| `{case.name}` | {case.account_id} | {case.client_id} |" in guide
