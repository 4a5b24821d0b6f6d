"""What a newcomer sees once the sandbox is loaded: where the docs are, a token per role, one call to try, one RM's worklist."""

import asyncio
from collections.abc import Mapping
from typing import Any

from guanxi_common.http.client import ApiClient, ApiError, open_http
from guanxi_common.security.issuer import LocalIssuer
from rich.console import Console
from rich.table import Table

from guanxi_sandbox.loader import CORE_BANKING
from guanxi_sandbox.staffing import StaffMember, staff

SHOWN_TASKS = 10
SETTLE_SECONDS = 25.0
PATIENCE_SECONDS = 90.0


async def show_welcome(urls: Mapping[str, str], issuer: LocalIssuer, console: Console, *, loaded_before: bool) -> None:
    """Print the welcome. `urls` maps customer, engagement and scoring to their addresses.

    After a fresh load it waits until no worklist grows any more, and at least as long as scoring takes to look for silent
    customers (fifteen seconds after the last posting).
    """
    rm, tasks = await _busiest_worklist(urls["engagement"], issuer, grown=loaded_before)
    console.print()
    for name, url in urls.items():
        console.print(f"{name}-svc docs   {url}/docs", soft_wrap=True, highlight=False)
    console.print("\nTokens (8 hours), one per role:")
    for role, subject in _one_per_role().items():
        token = issuer.issue(subject, kind="client" if subject == CORE_BANKING else "staff")
        console.print(f"  {role:<21} {subject}", highlight=False)
        console.print(f"    {token}", soft_wrap=True, highlight=False)
    console.print(f"\nTry it, as {rm.subject}:")
    token = issuer.issue(rm.subject)
    console.print(
        f"  curl -s -H 'Authorization: Bearer {token}' {urls['engagement']}/v1/worklist", soft_wrap=True, highlight=False
    )
    console.print(_worklist_table(rm, tasks))


async def _busiest_worklist(engagement_url: str, issuer: LocalIssuer, *, grown: bool) -> tuple[StaffMember, list[dict[str, Any]]]:
    """The RM with the most open tasks, and the most urgent of these; unless the lists have `grown`, when they no longer grow."""
    rms = [member for member in staff() if member.role == "relationship_manager"]
    began = asyncio.get_running_loop().time()
    before: list[int] = []
    async with open_http(engagement_url) as http:
        while True:
            lists = [await _worklist(ApiClient(http, issuer.issue(rm.subject))) for rm in rms]
            counts = [len(tasks) for tasks in lists]
            waited = asyncio.get_running_loop().time() - began
            settled = any(counts) and (grown or (waited > SETTLE_SECONDS and counts == before))
            if settled or waited > PATIENCE_SECONDS:
                most = counts.index(max(counts))
                return rms[most], lists[most]
            before = counts
            await asyncio.sleep(2)


async def _worklist(api: ApiClient) -> list[dict[str, Any]]:
    """The first page; empty while the RM is not yet in the replica of the directory."""
    try:
        answer = await api.get("/v1/worklist?limit=100")
    except ApiError as error:
        if error.status == 403:
            return []
        raise
    tasks: list[dict[str, Any]] = answer["data"]
    return tasks


def _one_per_role() -> dict[str, str]:
    subjects: dict[str, str] = {}
    for member in staff():
        subjects.setdefault(member.role, member.subject)
    return {**subjects, "core_banking": CORE_BANKING}


def _worklist_table(rm: StaffMember, tasks: list[dict[str, Any]]) -> Table:
    table = Table(title=f"Worklist of {rm.name} ({rm.subject}): {min(len(tasks), SHOWN_TASKS)} most urgent of {len(tasks)}")
    for column in ("due", "customer", "why", "原因"):
        table.add_column(column, overflow="fold")
    for task in tasks[:SHOWN_TASKS]:
        due = task["due_at"][:16].replace("T", " ")
        table.add_row(due, task["customer_name"] or "", task["reason"]["en"], task["reason"]["zh"])
    return table
