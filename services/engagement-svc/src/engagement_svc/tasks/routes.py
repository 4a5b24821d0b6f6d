"""The worklist over HTTP, and how its tasks are arranged."""

from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from guanxi_common.errors import FieldError, InvalidInput, NotFound, Text
from guanxi_common.http.call import Call, Permission, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.hot_route import hot_route
from guanxi_common.http.pagination import DEFAULT_LIMIT, MAX_LIMIT
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.parts import parts_of
from engagement_svc.standards import Standards, TaskType
from engagement_svc.tasks import repository, service
from engagement_svc.tasks.repository import ListedTask, ListQuery, Task
from engagement_svc.tasks.schemas import ArrangedTask, Bilingual, Delegation, EndsBy, QuietHours, Snooze, TaskOut, Worklist

tasks = router("tasks")

_TASK = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a21",
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "customer_name": "王伟",
    "quiet_hours": {"from": "12:00", "to": "14:00"},
    "task_type": "retention_contact",
    "title": {"en": "Keep the customer", "zh": "客户挽留"},
    "origin_kind": "action",
    "origin_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a41",
    "reason_code": "large_outflow",
    "reason": {
        "en": "60,000.00 CNY left on 2026-11-20; usual on such a day is 2,400.00 CNY.",
        "zh": "2026-11-20流出60,000.00 CNY，平时单日约2,400.00 CNY。",
    },
    "evidence": {"amount_minor": 6000000, "entry_ids": ["3a6f6c1e-9a57-5d0e-9a57-0d6f0c7b9a20"]},
    "priority": 10,
    "state": "open",
    "opened_at": "2026-11-20T08:00:00Z",
    "due_at": "2026-11-24T08:00:00Z",
    "warns_at": "2026-11-23T08:00:00Z",
    "due_provisional": False,
    "ends_by": {"rule": "conversation", "purposes": ["care", "service"], "if_named": ["plan_follow_up", "related_sales"]},
    "owner_id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "assignee_id": None,
    "visible_from": None,
    "reopened_at": None,
    "breached_at": None,
    "escalated_to": None,
    "completed_at": None,
    "completed_by": None,
    "ended_because": None,
    "ended_by": None,
}
_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "limit",
        "in": "query",
        "description": "How many at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    },
    {
        "name": "cursor",
        "in": "query",
        "description": "`next_cursor` of the page before, unchanged.",
        "schema": {"type": "string", "maxLength": 2048},
    },
    {
        "name": "rm_id",
        "in": "query",
        "description": "Only the tasks of this RM.",
        "schema": {"type": "string", "format": "uuid"},
    },
    {
        "name": "breached",
        "in": "query",
        "description": "Only tasks whose clock has, or has not, run out.",
        "schema": {"type": "boolean"},
    },
    {
        "name": "snoozed",
        "in": "query",
        "description": "Only tasks that are put off; else only those that are not.",
        "schema": {"type": "boolean", "default": False},
    },
]
_ARRANGED = {
    "id": _TASK["id"],
    "customer_id": _TASK["customer_id"],
    "assignee_id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f05",
    "visible_from": "2026-11-23T01:00:00Z",
}
_KNOWN = frozenset(parameter["name"] for parameter in _PARAMETERS)
_TASK_ID = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


@hot_route(
    "GET",
    "/v1/worklist",
    permission=Permission("worklist.read"),
    operation_id="readWorklist",
    tag="tasks",
    summary="Open tasks, the most urgent first (工作清单)",
    description="An RM sees the tasks of the own customers; a lead those of the outlet. The order is fixed when a task is opened.",
    response=Worklist,
    response_example={"data": [_TASK], "next_cursor": None},
    parameters=_PARAMETERS,
)
async def read_worklist(call: Call) -> Response:
    query = call.request.query_params
    unknown = query.keys() - _KNOWN
    if unknown:
        raise _invalid(min(unknown), "unknown_parameter")
    cursor = call.cursor()
    asked = ListQuery(
        limit=_limit(query.get("limit")),
        after=cursor.decode(query.get("cursor")),
        owner_id=_uuid(query.get("rm_id"), "rm_id"),
        breached=_flag(query.get("breached"), "breached"),
        snoozed=_flag(query.get("snoozed"), "snoozed") or False,
    )
    async with call.read(one_statement=True) as read:
        found = await repository.list_open_tasks(read.uow, read.scope, read.now, read.audit, asked)
    shown = found[: asked.limit]
    following = cursor.encode((shown[-1].task.rank_key, shown[-1].task.id)) if len(found) > asked.limit else None
    standards = parts_of(call).standards
    return read.reply(Worklist([_out(listed, standards) for listed in shown], following))


@hot_route(
    "GET",
    "/v1/tasks/{task_id:uuid}",
    permission=Permission("worklist.read"),
    operation_id="readTask",
    tag="tasks",
    summary="One task, open or ended",
    response=TaskOut,
    response_example=_TASK,
    parameters=[_TASK_ID],
)
async def read_task(call: Call) -> Response:
    async with call.read() as read:
        found = await repository.read_task(read.uow, read.scope, call.request.path_params["task_id"], read.now)
        if found is None:
            raise NotFound
        await audit.record(read.uow, read.audit, found.task.customer_id, ("name", "tasks"))
        return read.reply(_out(found, parts_of(call).standards))


@tasks.post(
    "/v1/tasks/{task_id}:snooze",
    operation_id="snoozeTask",
    summary="Put a task off, or back on the list; its clock runs on (暂缓)",
    **documented(ArrangedTask, _ARRANGED, request={"until": _ARRANGED["visible_from"]}),
)
async def snooze_task(task_id: UUID, body: Snooze, call: Annotated[Call, permission("task.snooze")]) -> Response:
    async with call.write() as write:
        task = await service.snooze_task(write.work, parts_of(call).rules, task_id, body.until)
        await audit.record(write.uow, write.audit, task.customer_id, ("tasks",))
        return await write.reply(200, _arranged(task))


@tasks.post(
    "/v1/tasks/{task_id}:delegate",
    operation_id="delegateTask",
    summary="Hand a task to the customer's assistant, or take it back; the responsibility stays (转交助理)",
    **documented(ArrangedTask, _ARRANGED, request={"to": _ARRANGED["assignee_id"]}),
)
async def delegate_task(task_id: UUID, body: Delegation, call: Annotated[Call, permission("task.delegate")]) -> Response:
    async with call.write() as write:
        task = await service.delegate_task(write.work, parts_of(call).rules, task_id, body.to)
        await audit.record(write.uow, write.audit, task.customer_id, ("tasks",))
        return await write.reply(200, _arranged(task))


def _arranged(task: Task) -> ArrangedTask:
    return ArrangedTask(**{name: getattr(task, name) for name in ArrangedTask.model_fields})


@lru_cache(maxsize=64)
def _shown(kind: TaskType) -> tuple[Bilingual, EndsBy]:
    """What all tasks of a kind show alike, made once."""
    return Bilingual(kind.label.en, kind.label.zh), EndsBy(kind.ends_by.rule, kind.ends_by.purposes, kind.ends_by.if_named)


def _out(listed: ListedTask, standards: Standards) -> TaskOut:
    task = listed.task
    kind = standards.task_types[task.task_type]
    title, ends_by = _shown(kind)
    return TaskOut(
        id=task.id,
        customer_id=task.customer_id,
        customer_name=listed.customer_name,
        quiet_hours=QuietHours(*(f"{at:%H:%M}" for at in listed.quiet_hours)) if listed.quiet_hours else None,
        task_type=task.task_type,
        title=title,
        origin_kind=task.origin_kind,
        origin_id=task.origin_id,
        reason_code=task.reason_code,
        reason=Bilingual(task.reason_en, task.reason_zh),
        evidence=dict(task.evidence),
        priority=task.priority,
        state=task.state,
        opened_at=task.opened_at,
        due_at=task.due_at,
        warns_at=task.due_at - kind.warn,
        due_provisional=task.due_provisional,
        ends_by=ends_by,
        owner_id=task.owner_id,
        assignee_id=task.assignee_id,
        visible_from=task.visible_from,
        reopened_at=task.reopened_at,
        breached_at=task.breached_at,
        escalated_to=task.escalated_to,
        completed_at=task.completed_at,
        completed_by=task.completed_by,
        ended_because=task.ended_because,
        ended_by=task.ended_by,
    )


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= MAX_LIMIT:
        raise _invalid("limit", "out_of_range")
    return int(text)


def _flag(text: str | None, name: str) -> bool | None:
    if text not in (None, "true", "false"):
        raise _invalid(name, "not_a_boolean")
    return None if text is None else text == "true"


def _uuid(text: str | None, name: str) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        raise _invalid(name, "not_a_uuid") from None


def _invalid(name: str, code: str) -> InvalidInput:
    detail = Text("The parameter is not valid.", "参数无效。")
    return InvalidInput(errors=[FieldError(f"/{name[:40]}", code, detail, "query")])
