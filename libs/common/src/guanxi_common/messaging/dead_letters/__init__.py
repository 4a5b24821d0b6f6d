"""What operators see and settle: dead letters, parked events, and outbox keys that the broker's refusal blocks."""

from guanxi_common.messaging.dead_letters.routes import routes

__all__ = ["routes"]
