"""The API process: builds every part and the application."""

from fastapi import FastAPI
from guanxi_common import operations, set_aside
from guanxi_common.clock import SystemClock
from guanxi_common.digests import routes as digests
from guanxi_common.http.app import create_service_app
from guanxi_common.messaging import dead_letters
from guanxi_common.process import api_parts, http_settings
from guanxi_common.standards import Register
from guanxi_common.standards.refreshing import refreshing

from engagement_svc.actions.service import give_way
from engagement_svc.kinds import KINDS
from engagement_svc.parts import EngagementParts
from engagement_svc.personal_data import PERSONAL_DATA
from engagement_svc.settings import EngagementSettings
from engagement_svc.slices import SLICES
from engagement_svc.tasks.consumers import erasing_with_tasks

DESCRIPTION = "Tasks and their clocks, the record of every contact, financial plans and their reviews."


def create_app() -> FastAPI:
    settings = EngagementSettings()
    clock = SystemClock()
    common = api_parts(settings, clock, "engagement_svc", erasing_with_tasks(PERSONAL_DATA))
    register = Register(KINDS, common["calendar"])
    common["background"] = (*common["background"], refreshing(common["database"], register, clock))
    parts = EngagementParts(**common, register=register, give_way=give_way)
    return build_app(settings, parts)


def build_app(settings: EngagementSettings, parts: EngagementParts) -> FastAPI:
    """The application of the given parts."""
    return create_service_app(
        http_settings(settings),
        parts,
        routers=[
            *SLICES.routers,
            dead_letters.routes("engagement-svc"),
            digests.routes("engagement-svc"),
            operations.routes("engagement-svc"),
            set_aside.routes("engagement-svc"),
        ],
        hot_routes=SLICES.hot_routes,
        title="Guanxi engagement-svc",
        description=DESCRIPTION,
    )
