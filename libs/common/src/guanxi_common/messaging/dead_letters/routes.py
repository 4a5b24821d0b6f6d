"""The operators' API, under `/v1/<service>/`. Every action is audited; the caller holds `dead_letter.read` or `.manage`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Conflict, NotFound, Text
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.messaging.dead_letters import pauses, repository
from guanxi_common.messaging.dead_letters.pauses import PauseRow
from guanxi_common.messaging.dead_letters.repository import LetterRow
from guanxi_common.messaging.dead_letters.schemas import (
    BlockedKeyOut,
    BlockedKeyRequest,
    DeadLetterDetail,
    DeadLetterOut,
    GapAccepted,
    GapRequest,
    ParkedEventOut,
    PartitionRequest,
    PausedPartitionOut,
    ResumeRequest,
)
from guanxi_common.security.audit import repository as audit

Reader = Annotated[Call, permission("dead_letter.read")]
Manager = Annotated[Call, permission("dead_letter.manage")]

_LETTER = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "consumer": "scoring-svc.ledger",
    "topic": "bank.transactions",
    "partition": 3,
    "offset": 41_207,
    "key": "0192f0c1-0000-7000-8000-000000000001",
    "event_id": "0192f0c1-0000-7000-8000-000000000002",
    "type": "guanxi.transaction.posted.v1",
    "version": None,
    "reason": "unknown_currency",
    "error": "PermanentError: unknown_currency",
    "attempts": 1,
    "failed_at": "2026-11-23T02:00:00Z",
    "replay_requested_at": None,
    "resolved_at": None,
    "resolution": None,
    "resolved_by": None,
}
_DETAIL = {**_LETTER, "headers": {"ce_specversion": "1.0"}, "value": "e30="}
_PARKED = {
    "id": 17,
    "consumer": "engagement-svc",
    "topic": "customer.changes",
    "key": _LETTER["key"],
    "event_id": _LETTER["event_id"],
    "type": "guanxi.customer.assigned.v1",
    "version": 7,
    "epoch": 1,
    "reason": "gap",
    "parked_at": "2026-11-23T02:00:00Z",
}
_BLOCKED = {
    "topic": "customer.changes",
    "key": _LETTER["key"],
    "outbox_row": 912,
    "error": "RecordRejected: too large",
    "blocked_at": "2026-11-23T02:00:00Z",
}
_PAUSED = {
    "consumer": "scoring-svc",
    "topic": "bank.transactions",
    "partition": 3,
    "since": "2026-11-23T02:00:00Z",
    "reason": "dead_letter_limit",
    "limit": 100,
    "position": 41_207,
    "open_letters": 100,
}
_PARTITION = {name: _PAUSED[name] for name in ("consumer", "topic", "partition")}
_KEY = {"topic": _BLOCKED["topic"], "key": _BLOCKED["key"]}
_GAP = {"consumer": _PARKED["consumer"], **_KEY}

Settle = Callable[[UnitOfWork, UUID, str], Awaitable[LetterRow | None]]


def routes(service: str) -> APIRouter:
    """The router of `service` (`customer-svc`, …)."""
    operations = router("operations")
    _add_letters(operations, f"/v1/{service}/dead-letters")
    _add_parked(operations, f"/v1/{service}/parked-events")
    _add_blocked(operations, f"/v1/{service}/blocked-keys")
    _add_pauses(operations, f"/v1/{service}/paused-partitions")
    return operations


def _add_letters(operations: APIRouter, path: str) -> None:
    listed: dict[str, Any] = documented(Page[DeadLetterOut], {"data": [_LETTER], "next_cursor": None})
    shown = documented(DeadLetterDetail, _DETAIL)
    settled = documented(DeadLetterOut, _LETTER)

    @operations.get(path, operation_id="listDeadLetters", summary="List dead letters, newest first", **listed)
    async def list_letters(call: Reader, page: Paging, status: Literal["open", "all"] = "open") -> Response:
        async with call.read() as read:
            cursor = call.cursor()
            position = cursor.decode(page.cursor)
            rows = await repository.list_letters(read.uow, open_only=status == "open", position=position, limit=page.limit + 1)
            return read.reply(page_of(rows, page, cursor, key=lambda row: (row.failed_at, row.id), item=DeadLetterOut.of))

    @operations.get(f"{path}/{{letter_id}}", operation_id="showDeadLetter", summary="Show a dead letter and its record", **shown)
    async def show_letter(letter_id: UUID, call: Reader) -> Response:
        async with call.read() as read:
            found = await repository.read_letter(read.uow, letter_id)
            if found is None:
                raise NotFound
            await audit.record(read.uow, read.audit, letter_id, ["record"], subject_type="dead_letter")
            return read.reply(DeadLetterDetail.with_content(*found))

    @operations.post(f"{path}/{{letter_id}}:replay", operation_id="replayDeadLetter", summary="Apply it again", **settled)
    async def replay_letter(letter_id: UUID, call: Manager) -> Response:
        return await _settle(call, letter_id, repository.request_replay)

    @operations.post(f"{path}/{{letter_id}}:skip", operation_id="skipDeadLetter", summary="Give it up for good", **settled)
    async def skip_letter(letter_id: UUID, call: Manager) -> Response:
        return await _settle(call, letter_id, repository.skip)


async def _settle(call: Call, letter_id: UUID, settle: Settle) -> Response:
    async with call.write() as write:
        row = await settle(write.uow, letter_id, call.principal.actor)
        if row is None:
            if await repository.read_letter(write.uow, letter_id) is None:
                raise NotFound
            raise Conflict(Text("The dead letter is settled already.", "该死信已处理。"))
        await audit.record(write.uow, write.audit, letter_id, ["resolution"], subject_type="dead_letter")
        return await write.reply(200, DeadLetterOut.of(row))


def _add_parked(operations: APIRouter, path: str) -> None:
    listed: dict[str, Any] = documented(Page[ParkedEventOut], {"data": [_PARKED], "next_cursor": None})
    accepted = documented(GapAccepted, {"next_version": 7}, request=_GAP)

    @operations.get(path, operation_id="listParkedEvents", summary="List the events that wait, oldest first", **listed)
    async def list_parked(call: Reader, page: Paging) -> Response:
        async with call.read() as read:
            cursor = call.cursor()
            rows = await repository.list_parked(read.uow, position=cursor.decode(page.cursor), limit=page.limit + 1)
            return read.reply(page_of(rows, page, cursor, key=lambda row: (row.id,), item=ParkedEventOut.of))

    @operations.post(f"{path}:acceptGap", operation_id="acceptGap", summary="Give up missing versions and go on", **accepted)
    async def accept_gap(body: GapRequest, call: Manager) -> Response:
        async with call.write() as write:
            version = await repository.accept_gap(write.uow, body.consumer, body.topic, body.key)
            if version is None:
                raise NotFound
            await audit.record(write.uow, write.audit, body.key, ["version"], subject_type="parked_event")
            return await write.reply(200, GapAccepted(next_version=version))


def _add_blocked(operations: APIRouter, path: str) -> None:
    listed: dict[str, Any] = documented(Page[BlockedKeyOut], {"data": [_BLOCKED], "next_cursor": None})
    unblocked = documented(BlockedKeyOut, _BLOCKED, request=_KEY)

    @operations.get(path, operation_id="listBlockedKeys", summary="List the keys that the broker's refusal blocks", **listed)
    async def list_blocked(call: Reader, page: Paging) -> Response:
        async with call.read() as read:
            cursor = call.cursor()
            rows = await repository.list_blocked_keys(read.uow, position=cursor.decode(page.cursor), limit=page.limit + 1)
            return read.reply(page_of(rows, page, cursor, key=lambda row: (row.topic, row.key), item=BlockedKeyOut.of))

    @operations.post(f"{path}:retry", operation_id="retryBlockedKey", summary="Send the key's records again", **unblocked)
    async def retry_key(body: BlockedKeyRequest, call: Manager) -> Response:
        return await _unblock(call, body, skip_record=False)

    @operations.post(
        f"{path}:skip", operation_id="skipBlockedRecord", summary="Drop the refused record, send the rest", **unblocked
    )
    async def skip_record(body: BlockedKeyRequest, call: Manager) -> Response:
        return await _unblock(call, body, skip_record=True)


async def _unblock(call: Call, body: BlockedKeyRequest, *, skip_record: bool) -> Response:
    async with call.write() as write:
        row = await repository.unblock(write.uow, body.topic, body.key, skip_record=skip_record)
        if row is None:
            raise NotFound
        await audit.record(write.uow, write.audit, body.key, ["blocked_at"], subject_type="outbox_key")
        return await write.reply(200, BlockedKeyOut.of(row))


def _add_pauses(operations: APIRouter, path: str) -> None:
    listed: dict[str, Any] = documented(Page[PausedPartitionOut], {"data": [_PAUSED], "next_cursor": None})
    resumed = documented(PausedPartitionOut, {**_PAUSED, "limit": 500}, request={**_PARTITION, "limit": 500})
    skipped = documented(PausedPartitionOut, _PAUSED, request=_PARTITION)

    @operations.get(path, operation_id="listPausedPartitions", summary="List the partitions that consumers do not read", **listed)
    async def list_paused(call: Reader, page: Paging) -> Response:
        async with call.read() as read:
            cursor = call.cursor()
            rows = await pauses.list_pauses(read.uow, position=cursor.decode(page.cursor), limit=page.limit + 1)
            return read.reply(page_of(rows, page, cursor, key=_place_of, item=PausedPartitionOut.of))

    @operations.post(f"{path}:resume", operation_id="resumePartition", summary="Read it again, with a higher limit", **resumed)
    async def resume_partition(body: ResumeRequest, call: Manager) -> Response:
        return await _resume(call, body, limit=body.limit, skip=False)

    @operations.post(f"{path}:skip", operation_id="skipPartitionLetters", summary="Give its dead letters up, read on", **skipped)
    async def skip_letters(body: PartitionRequest, call: Manager) -> Response:
        return await _resume(call, body, limit=None, skip=True)


def _place_of(row: PauseRow) -> tuple[str, str, int]:
    return row.consumer, row.topic, row.partition


async def _resume(call: Call, body: PartitionRequest, *, limit: int | None, skip: bool) -> Response:
    async with call.write() as write:
        place = (body.consumer, body.topic, body.partition)
        row = await pauses.resume(write.uow, place, call.principal.actor, limit=limit, skip=skip)
        if row is None:
            raise NotFound
        changed = ["resumed_at", "limit", *(["resolution"] if skip else [])]
        subject = f"{row.consumer}/{row.topic}/{row.partition}"
        await audit.record(write.uow, write.audit, subject, changed, subject_type="consumer_partition")
        return await write.reply(200, PausedPartitionOut.of(row))
