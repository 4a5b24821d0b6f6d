"""Posted transaction → score → signal → task → contact → score, through all processes, over HTTP with tokens, on both buses."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from guanxi_common.http.client import ApiError
from guanxi_common.ids import new_id
from guanxi_testing.bank import Bank, Member, business_today
from guanxi_testing.deployment import RunningDeployment
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio

DEADLINE = 60.0
GOOD_CONTACT_BP = -2_000
"""reached_positive and strengthens, in scoring-svc's contacts/standards.yaml."""
GOOD_REVIEW_BP = -1_500


@dataclass(frozen=True)
class Case:
    """One customer of `rm` with a quiet history; `other` is an RM of the same outlet, `manager` their lead."""

    bank: Bank
    customer_id: str
    account: str
    rm: Member
    other: Member
    manager: Member
    today: date

    async def worklist(self, member: Member, **query: str) -> list[dict[str, Any]]:
        """The open tasks of this customer on somebody's list."""
        page = await self._get("engagement", member, "/v1/worklist", query)
        return [task for task in page["data"] if task["customer_id"] == self.customer_id]

    async def score(self) -> dict[str, Any]:
        """The score as the RM sees it, as of today whenever the test began."""
        query = {"as_of": self.today.isoformat()}
        score: dict[str, Any] = await self._get("scoring", self.rm, f"/v1/scores/{self.customer_id}", query)
        return score

    async def _get(self, service: str, member: Member, path: str, query: dict[str, str]) -> Any:
        """Fails the assertion that `eventually` waits for while the service does not know the member or the customer yet."""
        answer, refusal = None, None
        try:
            answer = await self.bank.api(service, member.subject).get(path, query)
        except ApiError as error:
            if error.status not in (401, 403, 404):
                raise
            refusal = error
        assert refusal is None
        return answer

    async def post_outflow(self, traceparent: str | None = None) -> str:
        """Four fifths of the money leave today; returns the posting's id. The trace is as a caller would send it."""
        item = self.bank.posting(self.account, "outflow", self.today, -16_000_000, "transfer")
        headers = {"Authorization": f"Bearer {self.bank.token(self.bank.source)}"} | (
            {"traceparent": traceparent} if traceparent else {}
        )
        http = self.bank.http["customer"]
        answer = await http.post("/v1/transactions:batchCreate", json={"items": [item]}, headers=headers)
        assert answer.status_code == 200
        [result] = answer.json()["items"]
        assert result["status"] == "created"
        return str(result["transaction_id"])

    async def tasks_of_the_outflow(self) -> list[dict[str, Any]]:
        """The tasks once all have come: for the outflow, and for the balance that fell by it."""

        async def both() -> list[dict[str, Any]]:
            tasks = await self.worklist(self.rm)
            return tasks if {task["reason_code"] for task in tasks} == {"large_outflow", "balance_drop"} else []

        return await eventually(both, timeout=DEADLINE, every=0.1)

    async def record_contact(self, result: str, effect: str = "none") -> dict[str, Any]:
        body = {
            "customer_id": self.customer_id,
            "method": "phone",
            "purpose": "care",
            "occurred_at": datetime.now(UTC).isoformat(),
            "content": "询问大额转出原因。",
            "result": result,
            "relationship_effect": effect,
        }
        recorded: dict[str, Any] = await self.bank.api("engagement", self.rm.subject).post("/v1/interactions", body, key=new_id())
        return recorded


@pytest.fixture
async def case(bank: Bank) -> Case:
    outlet = await bank.add_outlet()
    rm, other = await bank.add_staff("relationship_manager", outlet), await bank.add_staff("relationship_manager", outlet)
    manager = await bank.add_staff("outlet_manager", outlet)
    account = uuid4().hex[:12]
    customer_id = await bank.add_customer(outlet, rm, account)
    await bank.open_accounts([account])
    today = business_today()
    history = [bank.posting(account, "opening", today - timedelta(days=210), 20_000_000, "cash_deposit")]
    history += [
        bank.posting(account, f"card-{week}", today - timedelta(weeks=week), -20_000 - 100 * week, "card")
        for week in range(1, 29)
    ]
    assert await bank.post(history) == ["created"] * len(history)
    return Case(bank, customer_id, account, rm, other, manager, today)


async def test_a_large_outflow_becomes_a_task_that_a_contact_ends_and_the_risk_falls(case: Case) -> None:
    posting_id = await case.post_outflow()
    tasks = await case.tasks_of_the_outflow()
    outflow = next(task for task in tasks if task["reason_code"] == "large_outflow")
    assert outflow["owner_id"] == case.rm.id
    assert posting_id in outflow["evidence"]["entry_ids"]
    assert "160000.00 CNY" in outflow["reason"]["en"]
    assert "160000.00 CNY" in outflow["reason"]["zh"]
    assert "流出" in outflow["reason"]["zh"]
    assert await eventually_sees(case, case.other) == []
    with pytest.raises(ApiError) as refused:
        await case.bank.api("engagement", case.other.subject).get(f"/v1/tasks/{outflow['id']}")
    assert refused.value.status == 404

    before = await eventually(lambda: score_with(case, evidence=None), timeout=DEADLINE, every=0.1)
    assert before["retention"]["value_bp"] >= -GOOD_CONTACT_BP
    assert before["retention"]["band"] == "high"

    in_vain = await case.record_contact("not_reached")
    assert in_vain["completed_task_ids"] == []
    assert len(await case.worklist(case.rm)) == len(tasks)

    contact = await case.record_contact("reached_positive", "strengthens")
    assert sorted(contact["completed_task_ids"]) == sorted(task["id"] for task in tasks)
    assert await case.worklist(case.rm) == []
    ended = await case.bank.api("engagement", case.rm.subject).get(f"/v1/tasks/{outflow['id']}")
    assert (ended["state"], ended["completed_by"]) == ("completed", f"interaction:{contact['id']}")

    after = await eventually(lambda: score_with(case, evidence=contact["id"]), timeout=DEADLINE, every=0.1)
    assert contributions(after, "contact") == [(GOOD_CONTACT_BP, [contact["id"]])]
    assert after["retention"]["value_bp"] == before["retention"]["value_bp"] + GOOD_CONTACT_BP
    assert sum(reason["contribution_bp"] for reason in after["retention"]["reasons"]) == after["retention"]["value_bp"]


async def test_a_plan_review_reaches_the_score(case: Case) -> None:
    await case.post_outflow()
    await case.tasks_of_the_outflow()
    before = await eventually(lambda: score_with(case, evidence=None), timeout=DEADLINE, every=0.1)
    engagement = case.bank.api("engagement", case.rm.subject)
    agreement = {
        "customer_id": case.customer_id,
        "life_stage": "growing_family",
        "objective": "保障家庭，准备退休。",
        "goals": [{"area": "retirement", "term": "long", "description": "六十岁退休"}],
        "agreed_on": (case.today - timedelta(days=30)).isoformat(),
        "agreement_method": "signed",
    }
    plan = await engagement.post("/v1/plans", agreement, key=new_id())
    record = {
        "reviewed_at": datetime.now(UTC).isoformat(),
        "changes": "孩子出生",
        "portfolio_against_plan": "存款低于规划",
        "advice": "补足应急金",
        "outcome": "on_track",
    }
    review = await engagement.post(f"/v1/plans/{plan['id']}/reviews", record, key=new_id())
    after = await eventually(lambda: score_with(case, evidence=review["id"]), timeout=DEADLINE, every=0.1)
    assert contributions(after, "contact") == [(GOOD_REVIEW_BP, [review["id"]])]
    assert after["retention"]["value_bp"] == before["retention"]["value_bp"] + GOOD_REVIEW_BP


async def test_one_trace_runs_through_all_three_services(case: Case, deployment: RunningDeployment) -> None:
    trace_id = uuid4().hex
    await case.post_outflow(f"00-{trace_id}-{uuid4().hex[:16]}-01")
    await case.tasks_of_the_outflow()

    async def everywhere() -> bool:
        return services_in_trace(deployment, trace_id) == {"customer-svc", "scoring-svc", "engagement-svc"}

    assert await eventually(everywhere, timeout=DEADLINE, every=0.2)


async def test_a_task_whose_clock_has_run_out_escalates_to_the_lead(case: Case, deployment: RunningDeployment) -> None:
    """The clock cannot be moved from outside, so the due times are."""
    await case.post_outflow()
    tasks = await case.tasks_of_the_outflow()
    assert await eventually_sees(case, case.manager, breached="true") == []
    await execute(
        deployment.database_url("engagement"),
        "UPDATE task SET due_at = now() - interval '1 minute' WHERE id = ANY($1::uuid[])",
        [task["id"] for task in tasks],
    )

    async def breached() -> list[dict[str, Any]]:
        found = await case.worklist(case.manager, breached="true")
        return found if len(found) == len(tasks) else []

    for task in await eventually(breached, timeout=DEADLINE, every=0.1):
        assert task["breached_at"] is not None
        assert task["escalated_to"] == case.manager.id
        assert task["owner_id"] == case.rm.id


async def test_d20_replicas_are_made_anew_by_command_while_the_api_answers(case: Case, deployment: RunningDeployment) -> None:
    """Wiped, on both buses; the owner begins a new epoch before, as after a restore, and its edits arrive after."""
    await case.post_outflow()
    tasks = await case.tasks_of_the_outflow()
    restored = ("restored", "customer-svc", "--restore", new_id().hex)
    assert "is in epoch 1" in await command(deployment, "customer", *restored)

    async def published_anew() -> bool:
        return "done at" in await command(deployment, "customer", *restored)

    await eventually(published_anew, timeout=DEADLINE, every=0.5)
    url = deployment.database_url("engagement")
    for table in ("customer", "book_assignment"):
        await execute(url, f"DELETE FROM {table}")  # noqa: S608  # ours
    assert await case.worklist(case.rm) == [], "nobody sees a customer who is in no book"
    rebuild = asyncio.create_task(command(deployment, "engagement", "rebuild", "engagement-svc"))
    while not rebuild.done():
        await case.worklist(case.rm)
        await asyncio.wait([rebuild], timeout=0.2)
    assert "customer.files: done" in await rebuild
    assert [task["id"] for task in await case.worklist(case.rm)] == [task["id"] for task in tasks]
    path = f"/v1/customers/{case.customer_id}:assign"
    await case.bank.head_office.post(path, {"rm_id": case.other.id}, key=new_id())

    async def arrived() -> bool:
        """A transfer takes effect minutes later; the replica knows of it at once."""
        return await execute(url, "SELECT FROM book_assignment WHERE staff_id = $1", case.other.id) == "SELECT 1"

    await eventually(arrived, timeout=DEADLINE, every=0.1)


async def command(deployment: RunningDeployment, database: str, *words: str) -> str:
    """What an operator's command prints; it must end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "guanxi_common.cli",
        *words,
        "--database",
        deployment.database_url(database),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def eventually_sees(case: Case, member: Member, **query: str) -> list[dict[str, Any]]:
    """The member's list once their directory entry has arrived; an empty list is an answer."""

    async def look() -> tuple[list[dict[str, Any]]]:
        return (await case.worklist(member, **query),)

    return (await eventually(look, timeout=DEADLINE, every=0.1))[0]


async def score_with(case: Case, evidence: str | None) -> dict[str, Any]:
    """The score once it rests on today's outflow, and on the contact `evidence`; until then nothing."""
    score = await case.score()
    named = [identity for reason in score["retention"]["reasons"] for identity in reason["evidence_ids"]]
    fell = any(reason["code"] == "balance_decline" for reason in score["retention"]["reasons"])
    return score if fell and (evidence is None or evidence in named) else {}


def contributions(score: dict[str, Any], code: str) -> list[tuple[int, list[str]]]:
    reasons = score["retention"]["reasons"]
    return [(reason["contribution_bp"], reason["evidence_ids"]) for reason in reasons if reason["code"] == code]


def services_in_trace(deployment: RunningDeployment, trace_id: str) -> set[str]:
    services = set()
    for line in deployment.trace_file.read_text(encoding="utf-8").splitlines():
        for process in json.loads(line)["resourceSpans"]:
            spans = [span for scope in process["scopeSpans"] for span in scope["spans"]]
            if any(span["traceId"] == trace_id for span in spans):
                services |= service_names(process["resource"]["attributes"])
    return services


def service_names(attributes: Sequence[dict[str, Any]]) -> set[str]:
    return {attribute["value"]["stringValue"] for attribute in attributes if attribute["key"] == "service.name"}


async def execute(url: str, statement: str, *arguments: Any) -> str:
    connection = await asyncpg.connect(url)
    try:
        status: str = await connection.execute(statement, *arguments)
        return status
    finally:
        await connection.close()
