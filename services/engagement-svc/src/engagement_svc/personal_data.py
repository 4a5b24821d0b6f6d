"""engagement-svc's tables with a customer's data, and what an erasure does with each (D8)."""

from typing import Final

from guanxi_common.erasure.registry import PersonalTable

PERSONAL_DATA: Final = (
    PersonalTable("customer"),
    PersonalTable("task"),
    PersonalTable("interaction"),
    PersonalTable("plan_review"),
    PersonalTable("plan"),
    PersonalTable("action"),
    PersonalTable("contact_reservation"),
    PersonalTable("contact_budget"),
    PersonalTable("contact_account"),
    PersonalTable("satisfaction_answer"),
    PersonalTable(
        "complaint",
        "anonymise",
        "the bank answers to its supervisor for the number of complaints, their categories and how long they took",
        blank={"content": "''", "remedy": "NULL"},
    ),
)
