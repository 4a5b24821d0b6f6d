"""The API process: builds every part and the application."""

from fastapi import FastAPI
from guanxi_common import operations, set_aside
from guanxi_common.clock import SystemClock
from guanxi_common.digests import routes as digests
from guanxi_common.erasure.replay import erasing
from guanxi_common.http.app import create_service_app
from guanxi_common.messaging import dead_letters
from guanxi_common.process import api_parts, http_settings
from guanxi_common.standards.refreshing import refreshing

from scoring_svc.parts import ScoringParts
from scoring_svc.personal_data import PERSONAL_DATA
from scoring_svc.settings import ScoringSettings
from scoring_svc.shipped import load_methods
from scoring_svc.slices import SLICES

DESCRIPTION = (
    "Retention risk, RFM and lifetime of each customer, with reasons; signals; related sales and next best actions; book runs."
)


def create_app() -> FastAPI:
    settings = ScoringSettings()
    clock = SystemClock()
    common = api_parts(settings, clock, "scoring_svc", erasing(PERSONAL_DATA))
    methods = load_methods(common["calendar"])
    common["background"] = (*common["background"], refreshing(common["database"], methods.register, clock))
    return build_app(settings, ScoringParts(**common, methods=methods))


def build_app(settings: ScoringSettings, parts: ScoringParts) -> FastAPI:
    """The application of the given parts."""
    return create_service_app(
        http_settings(settings),
        parts,
        routers=[
            *SLICES.routers,
            dead_letters.routes("scoring-svc"),
            digests.routes("scoring-svc"),
            operations.routes("scoring-svc"),
            set_aside.routes("scoring-svc"),
        ],
        title="Guanxi scoring-svc",
        description=DESCRIPTION,
    )
