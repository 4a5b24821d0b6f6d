"""customer-svc's tables with a customer's data, and what an erasure does with each (D8)."""

from typing import Final

from guanxi_common.erasure.registry import PersonalTable

PERSONAL_DATA: Final = (
    PersonalTable("customer_contact"),
    PersonalTable("consent"),
    PersonalTable("contact_preferences"),
    PersonalTable("risk_profile"),
    PersonalTable("vulnerability"),
    PersonalTable("customer_tier"),
    PersonalTable("tier_change"),
    PersonalTable("tier_due"),
    PersonalTable("customer_facet", "keep", "the id and numbers alone; the tombstones have the last ones"),
    PersonalTable("account", "keep", "postings refer to it; its number is core banking's and names nobody here"),
    PersonalTable(
        "customer",
        "anonymise",
        "accounts refer to it",
        column="id",
        blank={
            "customer_number": "'erased:'::text || id",
            "name": "''",
            "name_terms": "'{}'",
            "birth_date": "NULL",
            "sex": "NULL",
            "erased_at": "coalesce(erased_at, now())",
        },
    ),
)
