"""What the sandbox posts is what customer-svc takes: every body, against the operation's own schema."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
from customer_svc.accounts.schemas import AccountBatch
from customer_svc.consents.schemas import ConsentGrant, ConsentWithdrawal
from customer_svc.contact_preferences.schemas import ContactPreferencesChange
from customer_svc.customers.policy import IdentityDocument, check_document, normalise_phone
from customer_svc.customers.schemas import CustomerRegistration
from customer_svc.directory.policy import load_roles
from customer_svc.directory.schemas import OutletRegistration
from customer_svc.products.schemas import ProductCreation
from customer_svc.risk_profiles.schemas import RiskAssessment
from customer_svc.staff.schemas import StaffRegistration
from customer_svc.transactions.schemas import TransactionBatch
from customer_svc.vulnerabilities.schemas import VulnerabilityReport
from guanxi_sandbox.agreements import said_by
from guanxi_sandbox.berka import Berka, read_berka
from guanxi_sandbox.catalogue import loans, products
from guanxi_sandbox.loader import balances, openings, registration
from guanxi_sandbox.people import People
from guanxi_sandbox.shift import Shift
from guanxi_sandbox.staffing import outlets, staff
from guanxi_sandbox.transactions import batches, berka_items

SHIFT = Shift(1_703)
TODAY = date(2026, 11, 28)
OUTLET_ID = "5d0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f00"


@pytest.fixture(scope="module")
def data() -> Berka:
    return read_berka(Path(__file__).parents[2] / "deploy/sandbox/berka")


def test_registrations(data):
    people = People(SHIFT)
    for client in data.clients.values():
        body = CustomerRegistration.model_validate(registration(people.person(client), OUTLET_ID))
        assert body.data_origin == "generated"
        assert body.identity_document is not None
        assert check_document(IdentityDocument(body.identity_document.kind, body.identity_document.number), TODAY) is None
        assert [normalise_phone(phone) for phone in body.phones] == body.phones


def test_agreements(data):
    kinds = {
        "consents:grant": ConsentGrant,
        "consents:withdraw": ConsentWithdrawal,
        "risk-profiles": RiskAssessment,
        "contact-preferences": ContactPreferencesChange,
        "vulnerabilities": VulnerabilityReport,
    }
    told = [said for client_id in data.clients for said in said_by(client_id, SHIFT)]
    for said in told:
        kinds[said.operation].model_validate_json(json.dumps(said.body), strict=True)
    assert {said.operation for said in told} == kinds.keys()


def test_organisation():
    roles = {role.role for role in load_roles().roles}
    for outlet in outlets():
        OutletRegistration.model_validate({"code": outlet.code, "name": outlet.name, "kind": outlet.kind, "parent_id": OUTLET_ID})
    for member in staff():
        assert member.role in roles
        StaffRegistration.model_validate({"subject": member.subject, "name": member.name, "role": member.role})


def test_products(data):
    listed: set[str] = set()
    held: set[str] = set()
    for body in products():
        product = ProductCreation.model_validate_json(json.dumps(body))
        assert {link.product_code for link in product.links} <= listed
        listed.add(product.code)
        held |= set(product.holds_from_account_codes)
    assert {item["product_code"] for item in (*openings(data, SHIFT), *loans(data, SHIFT))} <= held


def test_accounts_and_transactions(data):
    items = [*openings(data, SHIFT), *loans(data, SHIFT), *balances(data, SHIFT)]
    assert len(msgspec.convert({"items": items}, AccountBatch).items) == 2 * 1_229 + 37
    for batch in batches(item.body() for item in berka_items(data, SHIFT)):
        assert len(msgspec.convert({"items": batch}, TransactionBatch).items) == len(batch)
