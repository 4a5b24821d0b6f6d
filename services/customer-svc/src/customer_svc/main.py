"""The API process: builds every part and the application."""

from dataclasses import dataclass, replace

from fastapi import FastAPI
from guanxi_common import operations, set_aside
from guanxi_common.clock import SystemClock
from guanxi_common.digests import routes as digests
from guanxi_common.erasure.records import FileErasureList
from guanxi_common.http.app import create_service_app
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.keys.watch import KeyWatch
from guanxi_common.messaging import dead_letters
from guanxi_common.parts import Part
from guanxi_common.process import api_parts, http_settings
from guanxi_common.security.build import build_blind_index, build_key_store
from guanxi_common.standards import Register
from guanxi_common.standards.refreshing import refreshing

from customer_svc.access_grants.service import resolve
from customer_svc.erasures.service import completing
from customer_svc.kinds import KINDS
from customer_svc.parts import ContactIndexes, CustomerParts
from customer_svc.settings import CustomerSettings
from customer_svc.slices import SLICES

DESCRIPTION = (
    "Customer files, what customers agree to and may be offered, the directory, who looks after whom, accounts, and the intake of"
    " postings from core banking."
)


@dataclass(frozen=True, kw_only=True)
class _OwnedParts(CustomerParts):
    """The parts of a process, which opens and closes the key store's pool."""

    keys: DatabaseKeyStore

    async def close(self) -> None:
        await self.keys.close()
        await super().close()


def create_app() -> FastAPI:
    settings = CustomerSettings()
    clock = SystemClock()
    keys = build_key_store(settings, clock)
    key_watch = KeyWatch(keys)
    common = api_parts(settings, clock, "customer_svc", completing(keys))
    register = Register(KINDS, common["calendar"])
    known = refreshing(common["database"], register, clock)
    common["background"] = (*common["background"], Part("keys", key_watch.watch), known)
    parts = _OwnedParts(
        **common,
        keys=keys,
        erasures=FileErasureList(settings.erasure_file),
        key_watch=key_watch,
        indexes=build_indexes(settings),
        issuer=settings.issuer,
        register=register,
        notice=settings.standard_notice,
    )
    return build_app(settings, parts)


def build_indexes(settings: CustomerSettings) -> ContactIndexes:
    return ContactIndexes(
        identity=build_blind_index(settings, "identity"),
        phone=build_blind_index(settings, "phone"),
        email=build_blind_index(settings, "email"),
    )


def build_app(settings: CustomerSettings, parts: CustomerParts) -> FastAPI:
    """The application of the given parts."""
    return create_service_app(
        http_settings(settings),
        replace(parts, resolve_principal=resolve),
        routers=[
            *SLICES.routers,
            dead_letters.routes("customer-svc"),
            digests.routes("customer-svc"),
            operations.routes("customer-svc"),
            set_aside.routes("customer-svc"),
        ],
        hot_routes=SLICES.hot_routes,
        title="Guanxi customer-svc",
        description=DESCRIPTION,
    )
