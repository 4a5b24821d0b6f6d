"""What an operator can set about logs and traces, from `GUANXI_*` variables."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class TelemetrySettings(BaseSettings):
    """`trace_file` gets OTLP JSON lines from every process that names it; `otlp_endpoint` (as `http://collector:4318`) wins
    over it. Without either there are no spans, only trace ids passed on. `trace_sampled_share` counts traces that start here.
    """

    model_config = SettingsConfigDict(env_prefix="GUANXI_", frozen=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trace_file: Path | None = None
    otlp_endpoint: str | None = None
    trace_sampled_share: Annotated[float, Field(ge=0, le=1)] = 1.0

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_either_case(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level
