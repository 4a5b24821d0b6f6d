"""Outlets and roles over HTTP; staff and clients have slices of their own."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.values import Outlet, Role
from starlette.responses import Response

from customer_svc.directory import repository, service
from customer_svc.directory.schemas import OutletOut, OutletRegistration, RoleOut

directory = router("directory")

_OUTLET = {
    "id": "5d0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f00",
    "code": "SH-021",
    "name": "外滩支行",
    "kind": "multi_channel",
    "parent_id": "5d0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f01",
    "version": 1,
}
_ROLE = {"role": "teller", "grants": {"customer.read": "outlet", "customer.search": "outlet"}, "version": 1}


@directory.post(
    "/v1/outlets",
    operation_id="registerOutlet",
    summary="Add an outlet (网点)",
    **documented(
        OutletOut,
        _OUTLET,
        status=201,
        request={"code": "SH-021", "name": "Bund branch", "kind": "multi_channel", "parent_id": _OUTLET["parent_id"]},
        request_zh={"code": "SH-021", "name": "外滩支行", "kind": "multi_channel", "parent_id": _OUTLET["parent_id"]},
    ),
)
async def register_outlet(body: OutletRegistration, call: Annotated[Call, permission("directory.write")]) -> Response:
    async with call.write() as write:
        outlet = await service.register_outlet(write.work, body)
        await audit.record(write.uow, write.audit, outlet.id, sorted(body.model_fields_set), subject_type="outlet")
        return await write.reply(201, _outlet_out(outlet), etag=outlet.version, location=f"/v1/outlets/{outlet.id}")


@directory.get(
    "/v1/outlets",
    operation_id="listOutlets",
    summary="List outlets",
    **documented(Page[OutletOut], {"data": [_OUTLET], "next_cursor": None}),
)
async def list_outlets(paging: Paging, call: Annotated[Call, permission("directory.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_outlets(read.uow, past=past, limit=paging.limit + 1)
        return read.reply(page_of(found, paging, cursor, key=lambda o: (o.code, o.id), item=_outlet_out))


@directory.get(
    "/v1/outlets/{outlet_id}",
    operation_id="readOutlet",
    summary="Read an outlet",
    **documented(OutletOut, _OUTLET),
)
async def read_outlet(outlet_id: UUID, call: Annotated[Call, permission("directory.read")]) -> Response:
    async with call.read() as read:
        outlet = await repository.read_outlet(read.uow, outlet_id)
        if outlet is None:
            raise NotFound
        return read.reply(_outlet_out(outlet), etag=outlet.version)


@directory.get(
    "/v1/roles",
    operation_id="listRoles",
    summary="List roles with their permissions and scopes",
    **documented(Page[RoleOut], {"data": [_ROLE], "next_cursor": None}),
)
async def list_roles(call: Annotated[Call, permission("directory.read")]) -> Response:
    async with call.read() as read:
        roles = await repository.list_roles(read.uow)
        return read.reply(Page[RoleOut](data=[_role_out(role) for role in roles], next_cursor=None))


def _outlet_out(outlet: Outlet) -> OutletOut:
    return OutletOut(
        id=outlet.id,
        code=outlet.code,
        name=outlet.name,
        kind=outlet.kind,
        parent_id=outlet.parent_id,
        version=outlet.version,
    )


def _role_out(role: Role) -> RoleOut:
    grants = {permission_name: str(scope) for permission_name, scope in sorted(role.grants.items())}
    return RoleOut(role=role.role, grants=grants, version=role.version)
