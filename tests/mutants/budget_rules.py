"""Rules of the contact budget and of consent in time (D5)."""

from typing import Final

from tests.mutants.rules import Rule

ENGAGEMENT: Final = "services/engagement-svc"
_TESTS: Final = f"{ENGAGEMENT}/tests/integration/contact_budget"
LIMIT: Final = f"{ENGAGEMENT}/tests/unit/contact_budget/test_d5_rolling_limit.py"
BUDGET: Final = f"{_TESTS}/test_c6_contact_budget.py"
ROLLING: Final = f"{_TESTS}/test_d5_rolling_budget.py"
EXPIRY: Final = f"{_TESTS}/test_d5_reservations_expire.py"
WITHDRAWALS: Final = f"{_TESTS}/test_d5_withdrawals.py"


def _engagement(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/{file}", text, without, test, ENGAGEMENT)


_windows = (
    _engagement(
        "a window has exactly its days",
        "contact_budget/policy.py",
        "    return sum(0 <= (one - start).days < limit.per_days for one in taken)",
        "    return sum(0 <= (one - start).days <= limit.per_days for one in taken)",
        f"{LIMIT}::test_d5_the_first_free_day",
    ),
    _engagement(
        "windows that begin before the day count too",
        "contact_budget/policy.py",
        "    starts = {day, *(one for one in taken if 0 <= (day - one).days < limit.per_days)}",
        "    starts = {day}",
        f"{LIMIT}::test_d5_the_rule_agrees_with_every_window",
    ),
    _engagement(
        "the latest gives way first",
        "contact_budget/policy.py",
        "        latest = max(within,",
        "        latest = min(within,",
        f"{LIMIT}::test_d5_the_latest_give_way_and_no_more_than_needed",
    ),
    _engagement(
        "a day that has passed unused counts today",
        "contact_budget/policy.py",
        "    return max(day, today)",
        "    return day",
        f"{EXPIRY}::test_d5_a_reservation_holds_through_its_last_day_and_expires_on_the_next",
    ),
    _engagement(
        "no more contacts are set aside than the limit allows",
        "contact_budget/repository.py",
        "ORDER BY customer_id FOR UPDATE",
        "ORDER BY customer_id",
        f"{BUDGET}::test_c6_twenty_senders_at_once_get_no_more_than_the_limit",
    ),
    _engagement(
        "the customer's own matter uses no contact",
        "contact_budget/policy.py",
        'COUNTED: Final = (SELLING, "care")',
        'COUNTED: Final = (SELLING, "care", "service")',
        f"{ROLLING}::test_d5_the_customers_own_matter_needs_and_uses_no_contact",
    ),
    _engagement(
        "what has happened past the limit makes others give way",
        "contact_budget/service.py",
        "    if cancelled:\n",
        "    if False:\n",
        f"{ROLLING}::test_d5_a_contact_past_the_limit_cancels_the_latest_and_tells_the_owner",
    ),
    _engagement(
        "a contact counts on the day on which it was made",
        "contact_budget/service.py",
        "        on_day=rules.calendar.local_date(made.made_at),",
        "        on_day=work.today,",
        f"{ROLLING}::test_d5_a_contact_recorded_late_counts_on_its_own_day",
    ),
)

_settling = (
    _engagement(
        "an open complaint stops selling",
        "contact_budget/service.py",
        "    return purpose == policy.SELLING and await complaints.holds_selling(uow, customer_id, standards.sales_hold)",
        "    return False",
        f"{_TESTS}/test_d5_sales_hold.py::test_d5_an_open_complaint_stops_selling_and_nothing_else",
    ),
    _engagement(
        "a reservation is settled once",
        "contact_budget/service.py",
        '    if held.state == "released":\n        raise ReservationSettled\n',
        "",
        f"{BUDGET}::test_c6_a_reservation_is_settled_once_by_two_at_once",
    ),
    _engagement(
        "a reservation holds through its last day",
        "contact_budget/repository.py",
        "holds_until < $1",
        "holds_until <= $1",
        f"{EXPIRY}::test_d5_a_reservation_holds_through_its_last_day_and_expires_on_the_next",
    ),
)

_withdrawals = (
    _engagement(
        "a withdrawal cancels what was set aside",
        "actions/slice.py",
        "        Subscription(AGREEMENTS.topic, {AGREEMENTS.type: follow_withdrawals(parts)}),",
        "",
        f"{WITHDRAWALS}::test_d5_reserve_withdraw_confirm_is_refused",
    ),
    _engagement(
        "a withdrawal is for its channel",
        "contact_budget/repository.py",
        " AND statement ->> 'channel' = held.channel",
        "",
        f"{WITHDRAWALS}::test_d5_only_that_purpose_and_channel_goes_and_a_new_grant_brings_nothing_back",
    ),
    _engagement(
        "after a withdrawal has arrived nothing is confirmed that was made later",
        "contact_budget/policy.py",
        "made_at < cancelled_for_consent_at",
        "True",
        f"{WITHDRAWALS}::test_d5_reserve_withdraw_confirm_is_refused",
    ),
    _engagement(
        "a contact after the customer's statement is flagged",
        "contact_budget/policy.py",
        "said_at is not None and said_at <= made_at",
        "False",
        f"{WITHDRAWALS}::test_d5_a_contact_of_before_the_withdrawal_arrived_is_confirmed_and_flagged_if_it_was_said_before",
    ),
    _engagement(
        "who applies a withdrawal waits for who is reserving",
        "actions/service.py",
        "    await budget.lock_accounts(work.uow, refusing)\n",
        "",
        f"{WITHDRAWALS}::test_d5_no_reservation_outlives_a_withdrawal_that_comes_at_the_same_moment",
    ),
)

CUSTOMER: Final = "services/customer-svc"
CONSENTS: Final = f"{CUSTOMER}/tests/integration/consents/test_c6_consents.py"


def _customer(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/{file}", text, without, test, CUSTOMER)


_statements = (
    _customer(
        "an older statement never beats a later one",
        "consents/repository.py",
        "_consent.c.since.desc(), _consent.c.version.desc()",
        "_consent.c.version.desc()",
        f"{CONSENTS}::test_d5_the_later_statement_counts_in_either_order",
    ),
    _customer(
        "nor in the snapshot",
        "snapshots/repository.py",
        "ORDER BY purpose, channel, since DESC, version DESC",
        "ORDER BY purpose, channel, version DESC",
        f"{CONSENTS}::test_d5_the_later_statement_counts_in_either_order",
    ),
    _customer(
        "of two statements of one day the withdrawal stands",
        "consents/policy.py",
        "    return first if granted else min(after - timedelta(microseconds=1), now)",
        "    return first",
        f"{CONSENTS}::test_d5_the_later_statement_counts_in_either_order",
    ),
    _customer(
        "what was agreed earlier does not replace what was agreed later",
        "contact_preferences/service.py",
        "    if errors := policy.outdated(before.agreed, fields, agreed_on):",
        "    if errors := []:",
        f"{CUSTOMER}/tests/integration/contact_preferences/test_c6_preferences.py"
        "::test_d5_what_was_agreed_earlier_does_not_replace_what_was_agreed_later",
    ),
)

BUDGET_RULES: Final = (*_windows, *_settling, *_withdrawals, *_statements)
