"""The contact budget becomes a ledger of dates, judged by rolling windows (D5). Contacts of the last year move into it on their days.

A contact that the old sums counted without a reservation is taken from the record of contacts; one that used a reservation was stored
with it in one transaction, at one time. Reservations for the customer's own matters end: these need none.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1720"
down_revision = "20261128_1710"

_ZONE = "Asia/Shanghai"
_RECENT = "i.booked_on > CURRENT_DATE - 370 AND i.direction = 'outbound' AND i.result <> 'not_reached'"


def upgrade() -> None:
    op.create_table(
        "contact_account",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_contact_account")),
    )
    for name in ("period_start", "per_days"):
        op.alter_column("contact_reservation", name, nullable=True)
    for name in ("on_day", "holds_until"):
        op.add_column("contact_reservation", sa.Column(name, sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False))
    op.add_column("contact_reservation", sa.Column("consent_purpose", sa.Text(), nullable=True))
    op.add_column("contact_reservation", sa.Column("made_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contact_reservation", sa.Column("interaction_id", sa.Uuid(), nullable=True))
    op.add_column("contact_reservation", sa.Column("ended_because", sa.Text(), nullable=True))
    op.add_column("contact_reservation", sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contact_reservation", sa.Column("without_consent", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _fill()
    op.drop_index("ix_contact_reservation_customer", table_name="contact_reservation")
    op.drop_index("ix_contact_reservation_open", table_name="contact_reservation")
    op.create_index("ix_contact_reservation_ledger", "contact_reservation", ["customer_id", "on_day"])
    op.create_index(
        "ix_contact_reservation_held",
        "contact_reservation",
        ["holds_until", "id"],
        postgresql_where=sa.text("state = 'reserved'"),
    )


def _fill() -> None:
    op.execute(
        f"UPDATE contact_reservation SET on_day = (coalesce(settled_at, reserved_at) AT TIME ZONE '{_ZONE}')::date,"  # noqa: S608  # constants
        " holds_until = period_start + per_days - 1, made_at = CASE WHEN state = 'confirmed' THEN settled_at END,"
        " consent_purpose = CASE WHEN purpose = 'marketing' THEN 'marketing' END"
    )
    op.execute(
        "UPDATE contact_reservation SET state = 'released', settled_at = now() WHERE state = 'reserved' AND purpose = 'service'"
    )
    op.execute(
        "INSERT INTO contact_reservation (id, customer_id, purpose, channel, state, overdrawn, requested_by, reserved_at, settled_at,"  # noqa: S608  # constants
        " on_day, holds_until, made_at, interaction_id)"
        " SELECT i.id, i.customer_id, CASE i.purpose WHEN 'related_sales' THEN 'marketing' ELSE 'care' END, i.method, 'confirmed', false,"
        " 'staff:' || i.recorded_by, i.recorded_at, i.recorded_at, i.booked_on, i.booked_on, i.occurred_at, i.id FROM interaction i"
        f" WHERE {_RECENT} AND i.purpose <> 'service' AND NOT EXISTS (SELECT FROM contact_reservation r"
        " WHERE r.customer_id = i.customer_id AND r.state = 'confirmed' AND r.settled_at = i.recorded_at)"
    )
