"""Loads the sandbox through the public HTTP API: organisation, products, customers, assignments, agreements, accounts, loans,
transactions, balances.

Every stage looks at what is there and adds what is missing, so that an interrupted load goes on and a second one changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from guanxi_common.http.client import ApiClient
from guanxi_common.ids import derived_id

from guanxi_sandbox import catalogue, staffing
from guanxi_sandbox.agreements import Said, said_by
from guanxi_sandbox.berka import CURRENCY, LAST_COMPLETE_DAY, SOURCE, Berka, stated_balances
from guanxi_sandbox.intake import IntakeReport, Progress, in_parallel, no_progress, post_batches, post_items
from guanxi_sandbox.people import People, Person
from guanxi_sandbox.shift import Shift
from guanxi_sandbox.state import StateFile
from guanxi_sandbox.transactions import berka_items

CORE_BANKING = "core-banking"
SOURCES = (SOURCE, "core")
ACCOUNTS = "/v1/accounts:batchCreate"
_PARALLEL_CALLS = 8
_PAGE = 100
_PRODUCTS = {
    "POPLATEK MESICNE": "current_account_monthly_statement",
    "POPLATEK TYDNE": "current_account_weekly_statement",
    "POPLATEK PO OBRATU": "current_account_statement_per_transaction",
}

Ids = dict[str, str]


class SandboxRejected(Exception):
    """The API refused a part of the sandbox: the loader and the API do not fit together. Names the stage and the codes."""


@dataclass(slots=True)
class LoadReport:
    """What a load added; `transactions` is None where the sandbox had been loaded before."""

    shift: Shift
    added: dict[str, int] = field(default_factory=dict)
    transactions: IntakeReport | None = None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A load: `head_office` acts with a token of that role, `compliance` approves what it proposes, `core_banking` is the client system."""

    head_office: ApiClient
    compliance: ApiClient
    core_banking: ApiClient
    data: Berka
    shift: Shift
    progress: Progress = no_progress

    async def add_outlets(self) -> tuple[Ids, int]:
        """Ids by code, and how many were added."""
        ids = {row["code"]: row["id"] for row in await self._list("/v1/outlets")}
        missing = [outlet for outlet in staffing.outlets() if outlet.code not in ids]
        for outlet in missing:
            body = {"code": outlet.code, "name": outlet.name, "kind": outlet.kind}
            if outlet.parent:
                body["parent_id"] = ids[outlet.parent]
            added = await self.head_office.post("/v1/outlets", body, key=derived_id("sandbox", "outlet", outlet.code))
            ids[outlet.code] = added["id"]
        return ids, len(missing)

    async def add_staff(self, outlets: Ids) -> tuple[Ids, int]:
        """Ids by subject, and how many were added."""
        ids = {row["subject"]: row["id"] for row in await self._list("/v1/staff")}
        missing = [member for member in staffing.staff() if member.subject not in ids]
        for member in missing:
            body = {"subject": member.subject, "name": member.name, "role": member.role, "outlet_id": outlets[member.outlet]}
            if member.reports_to:
                body["reports_to"] = ids[member.reports_to]
            ids[member.subject] = await self._enter("/v1/staff", body, member.subject)
        return ids, len(missing)

    async def add_clients(self) -> int:
        """Let core banking in, for the data's own source and that of the guides' examples; returns how many clients were added."""
        if any(row["client_id"] == CORE_BANKING for row in await self._list("/v1/clients")):
            return 0
        client = {"client_id": CORE_BANKING, "name": "核心系统", "role": "core_banking", "sources": list(SOURCES)}
        await self._enter("/v1/clients", client, CORE_BANKING)
        return 1

    async def _enter(self, path: str, body: dict[str, Any], name: str) -> str:
        """The id of a new entry of the directory; where two people are needed, compliance is the second."""
        body = body | {"reason": "沙箱初始化"}
        answer = await self.head_office.post(path, body, key=derived_id("sandbox", path, name))
        if "entry_id" not in answer:
            return str(answer["id"])
        approval = f"/v1/directory-proposals/{answer['id']}:approve"
        await self.compliance.post(approval, {"reason": "沙箱初始化"}, key=derived_id("sandbox", "approval", answer["id"]))
        return str(answer["entry_id"])

    async def add_products(self) -> int:
        """Enter the catalogue; returns how many products were added."""
        known = {row["code"] for row in await self._list("/v1/products")}
        missing = [product for product in catalogue.products() if product["code"] not in known]
        for product in missing:
            await self.head_office.post("/v1/products", product, key=derived_id("sandbox", "product", product["code"]))
        return len(missing)

    async def add_customers(self, outlets: Ids) -> tuple[Ids, int]:
        """Ids by customer number, and how many were added."""
        ids: Ids = {}
        for outlet in staffing.outlets():
            ids |= await self._search({"outlet_id": outlets[outlet.code]})
        people = People(self.shift)
        missing = [place for place in staffing.placements(self.data) if str(place.client_id) not in ids]
        done = 0

        async def add(place: staffing.Placement) -> None:
            nonlocal done
            body = registration(people.person(self.data.clients[place.client_id]), outlets[place.outlet])
            key = derived_id("sandbox", "customer", str(place.client_id), str(self.shift.weeks))
            ids[str(place.client_id)] = (await self.core_banking.post("/v1/customers", body, key=key))["id"]
            done += 1
            self.progress("customers", done, len(missing))

        await in_parallel(map(add, missing), _PARALLEL_CALLS)
        return ids, len(missing)

    async def assign_customers(self, customers: Ids, staff: Ids) -> int:
        """Give everybody without an RM to theirs; returns how many."""
        assigned: Ids = {}
        for subject in sorted({place.rm for place in staffing.placements(self.data)}):
            assigned |= await self._search({"rm_id": staff[subject]})
        missing = [place for place in staffing.placements(self.data) if str(place.client_id) not in assigned]
        done = 0

        async def assign(place: staffing.Placement) -> None:
            nonlocal done
            number = str(place.client_id)
            body = {"rm_id": staff[place.rm], "assistant_id": staff[place.assistant]}
            key = derived_id("sandbox", "assignment", number)
            await self.head_office.post(f"/v1/customers/{customers[number]}:assign", body, key=key)
            done += 1
            self.progress("assignments", done, len(missing))

        await in_parallel(map(assign, missing), _PARALLEL_CALLS)
        return len(missing)

    async def add_agreements(self, customers: Ids, *, look: bool) -> int:
        """What some customers agree to, and are; returns how much was added. Unless they are new, `look` at what is known."""
        found = [(client_id, said) for client_id in sorted(self.data.clients) for said in said_by(client_id, self.shift)]
        done, added = 0, 0

        async def tell(client_id: int, said: Said) -> None:
            nonlocal done, added
            path = f"/v1/customers/{customers[str(client_id)]}"
            if not (look and await self._is_known(f"{path}/{said.known_by}")):
                if said.method == "POST":
                    key = derived_id("sandbox", said.operation, str(client_id), str(self.shift.weeks))
                    await self.head_office.post(f"{path}/{said.operation}", said.body, key=key)
                else:
                    await self.head_office.patch(f"{path}/{said.operation}", said.body)
                added += 1
            done += 1
            self.progress("agreements", done, len(found))

        await in_parallel((tell(client_id, said) for client_id, said in found), _PARALLEL_CALLS)
        return added

    async def _is_known(self, path: str) -> bool:
        known = await self.head_office.get(path)
        return bool(known.get("data") or known.get("version"))

    async def add_accounts(self) -> int:
        return await self._report_accounts("accounts", openings(self.data, self.shift), len(self.data.accounts))

    async def add_loans(self) -> int:
        return await self._report_accounts("loans", catalogue.loans(self.data, self.shift), len(self.data.loans))

    async def report_balances(self) -> int:
        return await self._report_accounts("balances", balances(self.data, self.shift), len(self.data.accounts))

    async def add_transactions(self) -> IntakeReport:
        items = berka_items(self.data, self.shift)
        report = await post_items(self.core_banking, items, len(self.data.transactions), progress=self.progress)
        if report.rejections:
            raise SandboxRejected(f"transactions: {', '.join(sorted({rejection.code for rejection in report.rejections}))}")
        return report

    async def _report_accounts(self, stage: str, items: Iterable[dict[str, Any]], total: int) -> int:
        """Post account items; returns how many were new. Raises `SandboxRejected`."""
        report = IntakeReport()

        def answered(positions: Sequence[int], results: list[dict[str, Any]]) -> None:
            report.add(positions, results)
            self.progress(stage, report.statuses.total(), total)

        await post_batches(self.core_banking, ACCOUNTS, items, answered)
        if report.rejections:
            raise SandboxRejected(f"{stage}: {', '.join(sorted({rejection.code for rejection in report.rejections}))}")
        return report.statuses["created"]

    async def _list(self, path: str) -> list[dict[str, Any]]:
        page = await self.head_office.get(path, {"limit": _PAGE})
        rows: list[dict[str, Any]] = page["data"]
        while page["next_cursor"]:
            page = await self.head_office.get(path, {"limit": _PAGE, "cursor": page["next_cursor"]})
            rows += page["data"]
        return rows

    async def _search(self, criteria: dict[str, Any]) -> Ids:
        """Ids by customer number of the sandbox's own customers that fit."""
        found: Ids = {}
        cursor = None
        while True:
            page = await self.head_office.post("/v1/customers:search", criteria | {"limit": _PAGE, "cursor": cursor})
            for row in page["data"]:
                if row["reference"]["source"] == SOURCE:
                    found[row["reference"]["customer_number"]] = row["id"]
            cursor = page["next_cursor"]
            if not cursor:
                return found


@dataclass(frozen=True, slots=True)
class Callers:
    """Two founders in the directory, one with the role `head_office` and one who can approve, and the client system."""

    head_office: ApiClient
    compliance: ApiClient
    core_banking: ApiClient


async def load_sandbox(
    callers: Callers,
    data: Berka,
    file: StateFile,
    today: date,
    *,
    progress: Progress = no_progress,
) -> LoadReport:
    """Load `data`, once: where `file` says that it has been, nothing is asked or posted. Raises `ApiError`, `SandboxRejected`."""
    report = LoadReport(file.shift(today))
    if file.state.loaded:
        return report
    sandbox = Sandbox(callers.head_office, callers.compliance, callers.core_banking, data, report.shift, progress)
    outlets, report.added["outlets"] = await sandbox.add_outlets()
    staff, report.added["staff"] = await sandbox.add_staff(outlets)
    report.added["clients"] = await sandbox.add_clients()
    report.added["products"] = await sandbox.add_products()
    customers, report.added["customers"] = await sandbox.add_customers(outlets)
    report.added["assignments"] = await sandbox.assign_customers(customers, staff)
    new = report.added["customers"] == len(customers)
    report.added["agreements"] = await sandbox.add_agreements(customers, look=not new)
    report.added["accounts"] = await sandbox.add_accounts()
    report.added["loans"] = await sandbox.add_loans()
    report.transactions = await sandbox.add_transactions()
    report.added["transactions"] = report.transactions.statuses["created"]
    report.added["balances"] = await sandbox.report_balances()
    file.state.loaded = True
    file.save()
    return report


async def allow_sources(head_office: ApiClient, compliance: ApiClient, sources: Collection[str]) -> None:
    """Let core banking report for `sources` too, by two people; nothing where it may already, or is not in the directory."""
    clients = (await head_office.get("/v1/clients", {"limit": _PAGE}))["data"]
    for client in clients:
        if client["client_id"] == CORE_BANKING and not set(sources) <= set(client["sources"]):
            wider = {"sources": sorted({*client["sources"], *sources}), "reason": "重放文件"}
            proposal = await head_office.patch(f"/v1/clients/{client['id']}", wider)
            approval = f"/v1/directory-proposals/{proposal['id']}:approve"
            await compliance.post(approval, {"reason": "重放文件"}, key=derived_id("sandbox", "approval", proposal["id"]))


def registration(person: Person, outlet_id: str) -> dict[str, Any]:
    """The body of `POST /v1/customers`."""
    return {
        "reference": {"source": SOURCE, "customer_number": str(person.client_id)},
        "customer_type": "individual",
        "name": person.name,
        "identity_document": {"kind": "resident_id", "number": person.identity_number},
        "phones": [person.phone],
        "email": person.email,
        "address": person.address,
        "birth_date": person.birth_date.isoformat(),
        "sex": person.sex,
        "language": "zh-CN",
        "outlet_id": outlet_id,
        "data_origin": "generated",
    }


def openings(data: Berka, shift: Shift) -> Iterator[dict[str, Any]]:
    """The items of `POST /v1/accounts:batchCreate` that open the accounts."""
    for account in data.accounts.values():
        yield {
            "source": SOURCE,
            "account_number": str(account.account_id),
            "kind": "opened",
            "holder": {"source": SOURCE, "customer_number": str(account.owner_id)},
            "product_code": _PRODUCTS[account.statement],
            "currency": CURRENCY,
            "opened_on": shift.apply(account.opened_on).isoformat(),
        }


def balances(data: Berka, shift: Shift) -> Iterator[dict[str, Any]]:
    """The items that report the bank's own balances at the end of the last complete day."""
    for account_id, balance in stated_balances(data).items():
        yield {
            "source": SOURCE,
            "account_number": str(account_id),
            "kind": "balance_reported",
            "balance": {"amount": balance, "currency": CURRENCY},
            "balance_as_of": shift.apply(LAST_COMPLETE_DAY).isoformat(),
        }
