"""Good bodies that tests outside the table of good requests send too."""

from datetime import UTC, datetime, timedelta
from typing import Any


def interaction(customer_id: str) -> dict[str, Any]:
    """The body of a contact that did not come about, and so ends no task."""
    return {
        "customer_id": customer_id,
        "method": "phone",
        "purpose": "care",
        "occurred_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "content": "无人接听。",
        "result": "not_reached",
    }


def complaint(customer_id: str) -> dict[str, Any]:
    common = {"category": "service", "severity": "minor", "channel": "phone"}
    return {"customer_id": customer_id, "content": "等候过久。", **common}


def satisfaction(customer_id: str) -> dict[str, Any]:
    return {"customer_id": customer_id, "satisfaction": 4, "answered_on": "2026-11-23", "asked_about": "visit"}


def product_terms(valid_from: str = "2020-01-01") -> dict[str, Any]:
    """One version of a product."""
    name = {"zh": "一年期定期存款", "en": "One-year term deposit"}
    common = {"risk_class": 1, "margin_bp": 90, "eligibility": {"customer_types": ["individual"]}}
    return {"name": name, "valid_from": valid_from, **common}


def product(code: str) -> dict[str, Any]:
    return {"code": code, "family": "deposit", "currency": "CNY", **product_terms()}


def plan(customer_id: str) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "life_stage": "single",
        "objective": "准备购房。",
        "goals": [{"area": "investment", "term": "medium", "description": "首付"}],
        "agreed_on": "2026-10-01",
        "agreement_method": "signed",
    }
