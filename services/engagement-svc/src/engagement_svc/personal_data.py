"""engagement-svc's tables with a customer's data, and what an erasure does with each (D8)."""

from typing import Final

from guanxi_common.erasure.registry import PersonalTable

PERSONAL_DATA: Final = (
    PersonalTable("customer", holds="identity", purpose="service"),
    PersonalTable("customer_agreements", holds="agreement", purpose="consent"),
    PersonalTable("task", hand_over="moves", holds="dealings", purpose="service"),
    PersonalTable("interaction", holds="dealings", purpose="service"),
    PersonalTable("interaction_revision", holds="dealings", purpose="service"),
    PersonalTable("plan_review", holds="dealings", purpose="advice"),
    PersonalTable("plan", holds="circumstances", purpose="advice"),
    PersonalTable("action", holds="assessment", purpose="advice"),
    PersonalTable("contact_reservation", alias="survivor", holds="dealings", purpose="consent"),
    PersonalTable("contact_budget", alias="survivor", export="none", holds="reference", purpose="consent"),
    PersonalTable("contact_account", alias="survivor", export="none", holds="reference", purpose="consent"),
    PersonalTable("satisfaction_answer", holds="dealings", purpose="service"),
    PersonalTable(
        "complaint",
        "anonymise",
        "the bank answers to its supervisor for the number of complaints, their categories and how long they took",
        blank={"content": "''", "remedy": "NULL"},
        until="the supervisor's retention of complaints",
        holds="dealings",
        purpose="accountability",
    ),
)
