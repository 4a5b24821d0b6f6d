"""scoring-svc's tables with a customer's data, and what an erasure does with each (D8). Postings stay in customer-svc."""

from typing import Final

from guanxi_common.erasure.registry import PersonalTable

PERSONAL_DATA: Final = (
    PersonalTable("ledger_entry", holds="finance", purpose="advice"),
    PersonalTable("ledger_reversal", holds="finance", purpose="advice"),
    PersonalTable("reported_balance", holds="finance", purpose="advice"),
    PersonalTable("daily_activity", holds="finance", purpose="advice"),
    PersonalTable("dirty_customer", export="none", holds="reference", purpose="operation"),
    PersonalTable("customer_facts", holds="identity", purpose="advice"),
    PersonalTable("customer_agreements", holds="agreement", purpose="consent"),
    PersonalTable("customer_classification", holds="assessment", purpose="advice"),
    PersonalTable("engagement_fact", holds="dealings", purpose="advice"),
    PersonalTable("holding", holds="finance", purpose="advice"),
    PersonalTable("contact_effect", holds="assessment", purpose="advice"),
    PersonalTable("score", holds="assessment", purpose="advice"),
    PersonalTable("score_news", export="none", holds="reference", purpose="operation"),
    PersonalTable("score_touched", export="none", holds="reference", purpose="operation"),
    PersonalTable("posting_ahead", export="none", holds="reference", purpose="operation"),
    PersonalTable("signal", holds="assessment", purpose="advice"),
    PersonalTable("action", holds="assessment", purpose="advice"),
    PersonalTable("action_due", export="none", holds="reference", purpose="operation"),
    PersonalTable("action_plan", holds="assessment", purpose="advice"),
)
