"""The guides name every address, secret and log that a process has."""

from pathlib import Path

import pytest
from customer_svc.settings import CustomerSettings
from engagement_svc.settings import EngagementSettings
from guanxi_common.telemetry.settings import TelemetrySettings
from scoring_svc.settings import ScoringSettings

GUIDES = Path(__file__).parents[2] / "docs/guides"
FIELDS = {
    name
    for settings in (CustomerSettings, EngagementSettings, ScoringSettings, TelemetrySettings)
    for name in settings.model_fields
}
ADDRESSES = {name for name in FIELDS if name.endswith(("_url", "_servers", "_endpoint", "_protocol")) or name == "jwks"}
SECRETS = {name for name in FIELDS if name.endswith(("_key", "_keys", "_secrets"))}
DESTINATIONS = {name for name in FIELDS if name.startswith(("trace_", "otlp_", "log_"))}


def _row_of(guide: str, heading: str, name: str) -> bool:
    """Whether the setting stands in the section's table."""
    section = (GUIDES / guide).read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return any(name.upper() in line for line in section.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_the_guide_names_every_connection(name: str) -> None:
    assert _row_of("security.md", "Connections", name)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_the_guide_names_every_key_and_when_it_is_replaced(name: str) -> None:
    assert _row_of("cryptography.md", "Keys", name)


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_the_guide_names_whatever_sends_logs_somewhere(name: str) -> None:
    assert _row_of("security.md", "Logs", name)
