"""customer-svc's tables with a customer's data, and what an erasure does with each (D8)."""

from typing import Final

from guanxi_common.erasure.registry import PersonalTable

PERSONAL_DATA: Final = (
    PersonalTable("customer_contact", export="opened", holds="contact", purpose="relationship"),
    PersonalTable("consent", holds="agreement", purpose="consent"),
    PersonalTable("contact_preferences", holds="agreement", purpose="consent"),
    PersonalTable("risk_profile", holds="assessment", purpose="suitability"),
    PersonalTable("vulnerability", export="opened", holds="circumstances", purpose="protection"),
    PersonalTable("access_grant", export="opened", holds="dealings", purpose="accountability"),
    PersonalTable("customer_tier", holds="assessment", purpose="relationship"),
    PersonalTable("tier_change", holds="assessment", purpose="relationship"),
    PersonalTable("tier_due", export="none", holds="reference", purpose="operation"),
    PersonalTable("match_case", export="none", holds="reference", purpose="operation"),
    PersonalTable(
        "customer_facet",
        "keep",
        "the id and numbers alone; the tombstones have the last ones",
        until="for ever",
        export="none",
        holds="reference",
        purpose="operation",
    ),
    PersonalTable(
        "account",
        "keep",
        "postings refer to it; its number is core banking's and names nobody here",
        until="its postings",
        holds="finance",
        purpose="bookkeeping",
    ),
    *(
        PersonalTable(
            table,
            "keep",
            "names an account, and nobody once the account's holder is erased",
            "account_id",
            names="account",
            until="the bank's retention of postings",
            holds="finance",
            purpose="bookkeeping",
        )
        for table in ("posting", "account_balance")
    ),
    PersonalTable(
        "inbound_rejection",
        "keep",
        "what core banking sent under an account number, which names nobody here",
        "account_number",
        names="account",
        as_text=True,
        until="the bank's retention of postings",
        export="none",
        holds="reference",
        purpose="operation",
    ),
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
        until="its accounts",
        holds="identity",
        purpose="relationship",
    ),
)
