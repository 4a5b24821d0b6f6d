"""Good requests of customer-svc."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from guanxi_testing.good_requests.bodies import product, product_terms
from guanxi_testing.good_requests.targets import OfOneService, existing, id_of
from guanxi_testing.house import House, registration

_CONSENT = {"purpose": "marketing", "method": "signed_form"}


def customer_requests(house: House) -> OfOneService:
    return {**_file_requests(house), **_agreement_requests(house), **_directory_requests(house), **_standard_requests(house)}


def _file_requests(house: House) -> OfOneService:
    customer = id_of(house, "customer")
    outlets = {"own": "north", "other": "south"}

    def fresh(target: str) -> str:
        """A customer without an RM, so that an assignment needs no notice."""
        return house.register("service", outlets[target]) if target in outlets else str(uuid4())

    def rm(target: str) -> str:
        return house.ids["rm_b" if target == "other" else "rm_a"]

    def in_transfer(target: str) -> str:
        """A customer without an RM, to be given to one in a month."""
        customer_id, effective_at = fresh(target), (datetime.now(UTC) + timedelta(days=30)).isoformat()
        body = {"rm_id": rm(target), "effective_at": effective_at}
        house.call("customer", "head_office", "POST", f"/v1/customers/{customer_id}:assign", json=body)
        return customer_id

    def opened(target: str) -> str:
        """An access beyond the rows of whoever opened it; who may not review it."""
        if target not in outlets:
            return str(uuid4())
        path = f"/v1/customers/{fresh(target)}:breakGlass"
        return house.create("customer", {"own": "colleague", "other": "lead"}[target], path, asked)

    def posting() -> dict[str, Any]:
        money = {"amount": 1, "currency": "CNY"}
        known = {"source": "core", "account_number": "holder-own", "external_id": uuid4().hex}
        return {**known, "booked_on": "2026-11-03", "money": money}

    def match_case(target: str) -> str:
        """The path of an open case of the data desk."""
        case_id = uuid4()
        if target == "existing":
            statement = "INSERT INTO match_case (id, customer_id, asked_by, opened_at) VALUES ($1, $2, $3, now())"
            house.fetch("customer", statement, case_id, UUID(customer("own")), f"staff:{uuid4()}")
        return f"/v1/match-cases/{case_id}"

    closing = {"source": "core", "account_number": "holder-own", "kind": "closed", "closed_on": "2026-11-23"}
    day = {"booked_on": "2026-11-02", "currency": "CNY", "count": 1, "sum": 1}
    asked = {"reason": "客户在柜台等候。", "hours": 1}
    return {
        "registerCustomer": lambda t: ("/v1/customers", registration(house.ids.get(outlets.get(t, ""), str(uuid4())))),
        "readCustomer": lambda t: (f"/v1/customers/{customer(t)}", None),
        "changeCustomer": lambda t: (f"/v1/customers/{customer(t)}", {"language": "zh-CN"}),
        "searchCustomers": lambda t: (
            "/v1/customers:search",
            {"reference": {"source": "core", "customer_number": f"holder-{t}"}},
        ),
        "listMatchCases": lambda _: ("/v1/match-cases", None),
        "closeMatchCase": lambda t: (
            f"{match_case(t)}:close",
            {"outcome": "same_person", "note": "两处网点核对的是同一证件。"},
        ),
        "revealIdentity": lambda t: (f"/v1/customers/{customer(t)}:reveal", {"reason": "核对身份证件。"}),
        "eraseCustomer": lambda t: (f"/v1/customers/{fresh(t)}:erase", {"basis": "customer_request"}),
        "breakGlass": lambda t: (f"/v1/customers/{fresh(t)}:breakGlass", asked),
        "listAccessGrants": lambda _: ("/v1/access-grants", None),
        "reviewAccessGrant": lambda t: (f"/v1/access-grants/{opened(t)}:review", {"verdict": "justified"}),
        "assignCustomer": lambda t: (f"/v1/customers/{fresh(t)}:assign", {"rm_id": rm(t)}),
        "replaceTransfer": lambda t: (f"/v1/customers/{in_transfer(t)}:replaceTransfer", {"rm_id": rm(t)}),
        "cancelTransfer": lambda t: (f"/v1/customers/{in_transfer(t)}:cancelTransfer", None),
        "listAssignments": lambda t: (f"/v1/customers/{customer(t)}/assignments", None),
        "listAccounts": lambda t: (f"/v1/customers/{customer(t)}/accounts", None),
        "listParkedPostings": lambda _: ("/v1/parked-postings", None),
        "listInboundRejections": lambda _: ("/v1/inbound-rejections", None),
        "reconcile": lambda _: ("/v1/reconciliations", {"source": "core", "days": [day]}),
        "batchCreateTransactions": lambda _: ("/v1/transactions:batchCreate", {"items": [posting()]}),
        "batchCreateAccounts": lambda _: ("/v1/accounts:batchCreate", {"items": [closing]}),
    }


def _agreement_requests(house: House) -> OfOneService:
    customer = id_of(house, "customer")

    def of(target: str, what: str) -> str:
        return f"/v1/customers/{customer(target)}/{what}"

    def vulnerability(target: str) -> str:
        return of(target, f"vulnerabilities/{_vulnerability(house, target)}")

    return {
        "grantConsents": lambda t: (of(t, "consents:grant"), {**_CONSENT, "channels": ["phone"], "text_version": uuid4().hex}),
        "withdrawConsents": lambda t: (of(t, "consents:withdraw"), _CONSENT),
        "listConsents": lambda t: (of(t, "consents"), None),
        "listConsentHistory": lambda t: (of(t, "consent-history"), None),
        "readContactPreferences": lambda t: (of(t, "contact-preferences"), None),
        "changeContactPreferences": lambda t: (
            of(t, "contact-preferences"),
            {"method": "phone", "contact_limits": {"max_contacts": 1000, "per_days": 30}},
        ),
        "assessRisk": lambda t: (of(t, "risk-profiles"), {"level": 3, "method": "interview"}),
        "listRiskProfiles": lambda t: (of(t, "risk-profiles"), None),
        "readCustomerTier": lambda t: (of(t, "tier"), None),
        "openVulnerability": lambda t: (of(t, "vulnerabilities"), _vulnerable()),
        "listVulnerabilities": lambda t: (of(t, "vulnerabilities"), None),
        "reviewVulnerability": lambda t: (f"{vulnerability(t)}:review", {"review_on": _in_a_month()}),
        "resolveVulnerability": lambda t: (f"{vulnerability(t)}:resolve", {"resolution": "情况已好转。"}),
    }


def _directory_requests(house: House) -> OfOneService:
    def code() -> str:
        return uuid4().hex

    def listed(target: str) -> str:
        """The code of a product of its own."""
        fresh = code()
        if target == "existing":
            house.create("customer", "head_office", "/v1/products", product(fresh))
        return fresh

    def client() -> dict[str, Any]:
        return {"client_id": code(), "name": "卡系统", "role": "core_banking", "sources": ["cards"], "reason": "上线。"}

    def proposal(target: str) -> str:
        """The path of a proposal that the head office made."""
        if target == "missing":
            return f"/v1/directory-proposals/{uuid4()}"
        body = {"subject": code(), "name": "新人", "role": "operations", "reason": "新入职。"}
        made = house.call("customer", "head_office", "POST", "/v1/staff", json=body)
        return f"/v1/directory-proposals/{made.json()['id']}"

    def hired(target: str) -> str:
        """The path of a teller of its own."""
        if target == "missing":
            return f"/v1/staff/{uuid4()}"
        body = {"subject": code(), "name": "新人", "role": "teller"}
        return f"/v1/staff/{house.create('customer', 'head_office', '/v1/staff', body)}"

    def suspended(target: str) -> str:
        path = hired(target)
        house.call("customer", "head_office", "POST", f"{path}:suspend", json={"reason": "令牌被盗用。"})
        return path

    return {
        "listProposals": lambda _: ("/v1/directory-proposals", None),
        "readProposal": lambda t: (proposal(t), None),
        "approveProposal": lambda t: (f"{proposal(t)}:approve", {"reason": "已核对。"}),
        "rejectProposal": lambda t: (f"{proposal(t)}:reject", {"reason": "查无此人。"}),
        "withdrawProposal": lambda t: (f"{proposal(t)}:withdraw", None),
        "registerClient": lambda _: ("/v1/clients", client()),
        "listClients": lambda _: ("/v1/clients", None),
        "readClient": lambda t: (f"/v1/clients/{existing(house, 'service', t)}", None),
        "changeClient": lambda t: (f"/v1/clients/{existing(house, 'service', t)}", {"name": "service"}),
        "listOutlets": lambda _: ("/v1/outlets", None),
        "registerOutlet": lambda _: ("/v1/outlets", {"code": code(), "name": "新网点", "kind": "traditional"}),
        "readOutlet": lambda t: (f"/v1/outlets/{existing(house, 'north', t)}", None),
        "listStaff": lambda _: ("/v1/staff", None),
        "registerStaff": lambda _: ("/v1/staff", {"subject": code(), "name": "新人", "role": "teller"}),
        "readCaller": lambda _: ("/v1/staff/me", None),
        "readStaff": lambda t: (f"/v1/staff/{existing(house, 'colleague', t)}", None),
        "changeStaff": lambda t: (f"/v1/staff/{existing(house, 'colleague', t)}", {"name": "colleague"}),
        "suspendStaff": lambda t: (f"{hired(t)}:suspend", {"reason": "令牌被盗用。"}),
        "reinstateStaff": lambda t: (f"{suspended(t)}:reinstate", {"reason": "已更换令牌。"}),
        "deactivateStaff": lambda t: (f"{hired(t)}:deactivate", {"reason": "离职。"}),
        "listRoles": lambda _: ("/v1/roles", None),
        "createProduct": lambda _: ("/v1/products", product(code())),
        "publishProductVersion": lambda t: (f"/v1/products/{listed(t)}/versions", product_terms("2100-01-01")),
        "listProducts": lambda _: ("/v1/products", None),
        "readProduct": lambda t: (f"/v1/products/{listed(t)}", None),
    }


def _standard_requests(house: House) -> OfOneService:
    def standard(target: str) -> str:
        return f"/v1/standards/{existing_kind(target)}"

    def standard_proposal(target: str) -> str:
        """The path of another version of the tiers that the head office proposed."""
        if target == "missing":
            return f"/v1/standard-proposals/{uuid4()}"
        made = house.call("customer", "head_office", "POST", "/v1/standards/tiers:propose", json=standard_version())
        return f"/v1/standard-proposals/{made.json()['id']}"

    return {
        "listStandards": lambda _: ("/v1/standards", None),
        "readStandard": lambda t: (standard(t), None),
        "listStandardVersions": lambda t: (f"{standard(t)}/versions", None),
        "readStandardVersion": lambda t: (f"{standard(t)}/versions/1", None),
        "proposeStandard": lambda t: (f"{standard(t)}:propose", standard_version()),
        "listStandardProposals": lambda _: ("/v1/standard-proposals", None),
        "readStandardProposal": lambda t: (standard_proposal(t), None),
        "previewStandard": lambda t: (f"{standard_proposal(t)}/preview", None),
        "approveStandard": lambda t: (f"{standard_proposal(t)}:approve", {"reason": "已与通知核对。"}),
        "rejectStandard": lambda t: (f"{standard_proposal(t)}:reject", {"reason": "通知仍是征求意见稿。"}),
        "withdrawStandard": lambda t: (f"{standard_proposal(t)}:withdraw", None),
    }


def existing_kind(target: str) -> str:
    return "tiers" if target == "existing" else "horoscopes"


def standard_version() -> dict[str, Any]:
    """Tiers of a bank that has one."""
    only = {"code": "wealth", "name": {"zh": "财富客户", "en": "Wealth"}, "from_minor": {"CNY": 60_000_000}}
    return {"body": {"grace_days": 90, "tiers": [only]}, "reason": "只保留一个层级。"}


def _in_a_month() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def _vulnerable() -> dict[str, Any]:
    return {"kind": "health", "evidence": "customer", "reason": "客户住院。", "review_on": _in_a_month()}


def _vulnerability(house: House, target: str) -> str:
    """An open vulnerability of the target's customer."""
    if target not in ("own", "other"):
        return str(uuid4())
    path = f"/v1/customers/{house.ids[f'customer:{target}']}/vulnerabilities"
    return house.create("customer", "rm_a" if target == "own" else "rm_b", path, _vulnerable())
