"""S4, S5: what the contracts show of products and customers is what the replicas read, full and minimal."""

from datetime import date
from uuid import uuid4

import msgspec
import pytest
from guanxi_contracts.topics import examples_of
from scoring_svc.customers.consumers import _Agreements
from scoring_svc.holdings.consumers import _Account
from scoring_svc.products.policy import Product

ACCOUNTS = ["opened", "closed", "balance_reported"]


@pytest.mark.parametrize("example", ["typical", "minimal"])
def test_s4_a_product_is_read_from_its_snapshot(example: str) -> None:
    told = examples_of("guanxi.product.snapshot.v1")[example]
    product = msgspec.convert(told, Product)
    assert (product.code, product.risk_class, product.margin_bp) == (told["code"], told["risk_class"], told["margin_bp"])
    assert {link.product_code for link in product.links} == {link["product_code"] for link in told["links"]}


def test_s4_consents_and_risk_profile_are_read_from_the_agreements() -> None:
    told = examples_of("guanxi.customer_agreements.snapshot.v1")["typical"]
    snapshot = msgspec.convert(told, _Agreements)
    assert snapshot.risk_profile is not None
    assert snapshot.risk_profile.expires_on == date.fromisoformat(told["risk_profile"]["expires_on"])
    assert [one.granted for one in snapshot.consents] == [one["granted"] for one in told["consents"]]
    bare = msgspec.convert({"customer_id": str(uuid4())}, _Agreements)
    assert (bare.risk_profile, bare.consents) == (None, ())


@pytest.mark.parametrize("type_", ACCOUNTS)
@pytest.mark.parametrize("example", ["typical", "minimal"])
def test_s4_an_account_is_read_from_each_of_its_events(type_: str, example: str) -> None:
    told = examples_of(f"guanxi.account.{type_}.v1")[example]
    account = msgspec.convert(told, _Account)
    assert str(account.account_id) == told["account_id"]
    assert (account.matures_on.isoformat() if account.matures_on else None) == told.get("matures_on")
