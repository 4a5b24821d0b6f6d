"""scoring-svc's tables with a customer's data, and what an erasure does with each (D8). Postings stay in customer-svc."""

from typing import Final

from guanxi_common.erasure.registry import PersonalTable

PERSONAL_DATA: Final = (
    PersonalTable("ledger_entry"),
    PersonalTable("ledger_reversal"),
    PersonalTable("reported_balance"),
    PersonalTable("daily_activity"),
    PersonalTable("dirty_customer"),
    PersonalTable("customer_facts"),
    PersonalTable("engagement_fact"),
    PersonalTable("holding"),
    PersonalTable("contact_effect"),
    PersonalTable("score"),
    PersonalTable("score_news"),
    PersonalTable("score_touched"),
    PersonalTable("posting_ahead"),
    PersonalTable("signal"),
    PersonalTable("action"),
    PersonalTable("action_due"),
    PersonalTable("action_plan"),
)
