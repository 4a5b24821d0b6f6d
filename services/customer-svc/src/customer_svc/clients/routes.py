"""Client systems over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.values import Client
from starlette.responses import Response

from customer_svc.clients import service
from customer_svc.clients.schemas import ClientChange, ClientOut, ClientRegistration
from customer_svc.directory import repository
from customer_svc.parts import parts_of
from customer_svc.proposals.policy import Proposal
from customer_svc.proposals.routes import PROPOSAL, reply_proposal
from customer_svc.proposals.schemas import ProposalOut

clients = router("directory")

_CLIENT = {
    "id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f09",
    "client_id": "core-banking",
    "name": "核心系统",
    "role": "core_banking",
    "sources": ["core"],
    "active": True,
    "version": 1,
}
_SHOWN = {name: value for name, value in _CLIENT.items() if name not in ("id", "version")}
_PROPOSED = {**PROPOSAL, "kind": "client", "entry_id": _CLIENT["id"], "entry": _SHOWN, "changes": list(_SHOWN)}


@clients.post(
    "/v1/clients",
    operation_id="registerClient",
    summary="Propose to let a client system in",
    description="A second person approves it (`/v1/directory-proposals`). Its tokens name it as `sub` and `client_id`, and their `gty` is"
    " `client-credentials`; it reports for `sources` only.",
    **documented(
        ProposalOut,
        _PROPOSED,
        status=202,
        request={
            "client_id": "core-banking",
            "name": "Core banking",
            "role": "core_banking",
            "sources": ["core"],
            "reason": "Postings from the first of December.",
        },
    ),
)
async def register_client(body: ClientRegistration, call: Annotated[Call, permission("directory.propose")]) -> Response:
    async with call.write() as write:
        proposal = await service.register_client(write.work, parts_of(call).issuer, body)
        return await reply_proposal(write, 202, proposal, sorted(body.model_fields_set))


@clients.get(
    "/v1/clients",
    operation_id="listClients",
    summary="List client systems",
    **documented(Page[ClientOut], {"data": [_CLIENT], "next_cursor": None}),
)
async def list_clients(paging: Paging, call: Annotated[Call, permission("directory.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_clients(read.uow, past=past, limit=paging.limit + 1)
        return read.reply(page_of(found, paging, cursor, key=lambda c: (c.client_id, c.id), item=_out))


@clients.get(
    "/v1/clients/{entry_id}",
    operation_id="readClient",
    summary="Read a client system",
    **documented(ClientOut, _CLIENT),
)
async def read_client(entry_id: UUID, call: Annotated[Call, permission("directory.read")]) -> Response:
    async with call.read() as read:
        client = await repository.read_client(read.uow, entry_id)
        if client is None:
            raise NotFound
        return read.reply(_out(client), etag=client.version)


@clients.patch(
    "/v1/clients/{entry_id}",
    operation_id="changeClient",
    summary="Change name, role or sources of a client system, or shut it out",
    description="Shutting it out, taking sources away and renaming act at once and need `directory.write`. Whatever gives it more is"
    " answered 202 with a proposal, for which `reason` is needed.",
    **documented(ClientOut, _CLIENT, request={"active": False}, or_accepted=(ProposalOut, _PROPOSED)),
)
async def change_client(entry_id: UUID, body: ClientChange, call: Annotated[Call, permission("directory.propose")]) -> Response:
    async with call.write() as write:
        result = await service.change_client(write.work, entry_id, body)
        fields = sorted(body.model_fields_set)
        if isinstance(result, Proposal):
            return await reply_proposal(write, 202, result, fields)
        await audit.record(write.uow, write.audit, result.id, fields, subject_type="client")
        return await write.reply(200, _out(result), etag=result.version)


def _out(client: Client) -> ClientOut:
    return ClientOut(
        id=client.id,
        client_id=client.client_id,
        name=client.name,
        role=client.role,
        sources=list(client.sources),
        active=client.active,
        version=client.version,
    )
