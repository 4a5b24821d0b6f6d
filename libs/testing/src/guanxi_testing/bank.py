"""A bank of the test's own in a running deployment: outlets, staff, customers and accounts, registered over HTTP."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
from guanxi_common.http.client import ApiClient, open_http
from guanxi_common.ids import new_id
from guanxi_sandbox.commands import COMPLIANCE, PRESIDENT

from guanxi_testing.deployment import RunningDeployment

ZONE: Final = ZoneInfo("Asia/Shanghai")


def business_today() -> date:
    return datetime.now(ZONE).date()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff."""

    id: str
    subject: str


@dataclass(frozen=True)
class Bank:
    """`source` and everything named after it are this bank's alone. A lost answer is asked for again, as `ApiClient` does."""

    deployment: RunningDeployment
    http: dict[str, httpx.AsyncClient]
    source: str = field(default_factory=lambda: f"core-{uuid4().hex[:8]}")

    def api(self, service: str, subject: str) -> ApiClient:
        """Speaks to `customer`, `engagement` or `scoring` as `subject`."""
        return ApiClient(self.http[service], self.token(subject))

    def token(self, subject: str) -> str:
        return self.deployment.issuer.issue(subject, kind="client" if subject == self.source else "staff")

    @property
    def head_office(self) -> ApiClient:
        return self.api("customer", PRESIDENT)

    @property
    def core_banking(self) -> ApiClient:
        return self.api("customer", self.source)

    async def add_outlet(self) -> str:
        code = uuid4().hex[:12]
        body = {"code": code, "name": f"网点{code}", "kind": "traditional"}
        return str((await self.head_office.post("/v1/outlets", body, key=new_id()))["id"])

    async def add_staff(self, role: str, outlet_id: str | None = None, subject: str | None = None) -> Member:
        subject = subject or f"{role[:20]}-{uuid4().hex[:8]}"
        body = {"subject": subject, "name": subject, "role": role, "outlet_id": outlet_id}
        return Member(await self._enter("/v1/staff", body), subject)

    async def add_client(self) -> None:
        """Let the bank's core banking in, for its one source."""
        client = {"client_id": self.source, "name": "核心系统", "role": "core_banking", "sources": [self.source]}
        await self._enter("/v1/clients", client)

    async def _enter(self, path: str, body: dict[str, Any]) -> str:
        """The id of a new entry of the directory; where two people are needed, compliance is the second."""
        answer = await self.head_office.post(path, body | {"reason": "测试"}, key=new_id())
        if "entry_id" not in answer:
            return str(answer["id"])
        approval = f"/v1/directory-proposals/{answer['id']}:approve"
        await self.api("customer", COMPLIANCE).post(approval, {"reason": "测试"}, key=new_id())
        return str(answer["entry_id"])

    async def add_customer(self, outlet_id: str, rm: Member | None, number: str | None = None) -> str:
        """Register a customer who is `rm`'s from now on, or nobody's; returns the id."""
        number = number or uuid4().hex[:12]
        body = {
            "reference": {"source": self.source, "customer_number": number},
            "customer_type": "individual",
            "name": "王小明",
            "outlet_id": outlet_id,
            "data_origin": "generated",
        }
        customer_id = str((await self.core_banking.post("/v1/customers", body, key=new_id()))["id"])
        if rm is not None:
            await self.head_office.post(f"/v1/customers/{customer_id}:assign", {"rm_id": rm.id}, key=new_id())
        return customer_id

    async def open_accounts(self, numbers: Sequence[str], currency: str = "CNY") -> None:
        """Open accounts whose holders are the customers of the same numbers."""
        items = [
            {
                "source": self.source,
                "account_number": number,
                "kind": "opened",
                "holder": {"source": self.source, "customer_number": number},
                "product_code": "current",
                "currency": currency,
                "opened_on": "1993-01-01",
            }
            for number in numbers
        ]
        answer = await self.core_banking.post("/v1/accounts:batchCreate", {"items": items})
        assert [item["status"] for item in answer["items"]] == ["created"] * len(items), answer

    def posting(self, account: str, external_id: str, booked_on: date, amount: int, code: str, currency: str = "CNY") -> Any:
        """An item of the intake."""
        return {
            "source": self.source,
            "account_number": account,
            "external_id": external_id,
            "booked_on": booked_on.isoformat(),
            "money": {"amount": amount, "currency": currency},
            "code": code,
        }

    def reversal(self, account: str, external_id: str, booked_on: date, reverses: str) -> Any:
        """An item that takes back the posting `reverses`."""
        return {
            "source": self.source,
            "account_number": account,
            "external_id": external_id,
            "booked_on": booked_on.isoformat(),
            "reverses": reverses,
        }

    async def post(self, items: Sequence[Any]) -> list[str]:
        """Post the items in one batch; returns what became of each."""
        answer = await self.core_banking.post("/v1/transactions:batchCreate", {"items": items})
        return [item["status"] for item in answer["items"]]


@asynccontextmanager
async def open_bank(deployment: RunningDeployment) -> AsyncIterator[Bank]:
    """A bank with its core-banking client in the directory."""
    async with AsyncExitStack() as stack:
        http = {service: await stack.enter_async_context(open_http(url)) for service, url in deployment.urls.items()}
        bank = Bank(deployment, http)
        await bank.add_client()
        yield bank
