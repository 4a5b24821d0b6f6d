"""The context of the present call: carried from HTTP into the outbox, the logs and the audit, and on through the bus."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who caused what is happening now, and in which trace.

    `actor` is `staff:<id>`, `client:<subject>` or `system:<worker>`; `causation_id` the id of the event being handled;
    `traceparent` the W3C header of the current span; `request_id` the value of `X-Request-ID`.
    """

    actor: str = "system:unknown"
    request_id: str | None = None
    traceparent: str | None = None
    causation_id: str | None = None


_current: ContextVar[CallContext] = ContextVar("guanxi_call_context")
_NOBODY = CallContext()


def current_context() -> CallContext:
    return _current.get(_NOBODY)


def set_context(context: CallContext) -> object:
    """Set it for this task and return the token for `reset_context`."""
    return _current.set(context)


def reset_context(token: object) -> None:
    _current.reset(token)  # type: ignore[arg-type]  # the token is opaque to callers
