"""D5: contacts of before the ledger move into it on their days, each once."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from guanxi_common.db.migrate import migrate

pytestmark = pytest.mark.anyio

INTERACTION = (
    "INSERT INTO interaction (id, customer_id, method, direction, purpose, occurred_at, booked_on, content, result, relationship_effect,"
    " participants, materials, recorded_by, recorded_at, late, completed_task_ids) VALUES (gen_random_uuid(), $1, $2, $3, $4,"
    " now(), CURRENT_DATE - $5::int, 'x', $6, 'none', '{}', '{}', gen_random_uuid(),"
    " timestamptz '2026-11-20 02:00Z' + $7::int * interval '1h',"
    " false, '{}')"
)
RESERVATION = (
    "INSERT INTO contact_reservation VALUES (gen_random_uuid(), $1, '2026-11-14', 30, $2, 'message', $3, false, 'system:actions',"
    " '2026-11-19T02:00Z', $4::timestamptz)"
)


async def test_d5_contacts_of_before_move_into_the_ledger_on_their_days(postgres: Any) -> None:
    async with postgres.database() as url:
        await migrate(url, "engagement_svc", "20261128_1445")
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        customer = uuid4()
        for number, contact in enumerate(
            [
                ("branch_meeting", "outbound", "care", 3, "reached_neutral"),
                ("message", "outbound", "related_sales", 400, "reached_neutral"),
                ("phone", "outbound", "service", 2, "reached_neutral"),
                ("phone", "outbound", "care", 2, "not_reached"),
                ("phone", "inbound", "care", 2, "reached_neutral"),
                ("phone", "outbound", "care", 1, "declined"),
            ]
        ):
            await connection.execute(INTERACTION, customer, *contact, number)
        used_by_the_last = await connection.fetchval("SELECT max(recorded_at) FROM interaction")
        for purpose, state, settled_at in [
            ("care", "confirmed", used_by_the_last),
            ("marketing", "reserved", None),
            ("service", "reserved", None),
        ]:
            await connection.execute(RESERVATION, customer, purpose, state, settled_at)
        await migrate(url, "engagement_svc", "20261128_1720")
        rows = await connection.fetch(
            "SELECT state, purpose, channel, holds_until::text, interaction_id IS NULL FROM contact_reservation ORDER BY 1, 3, 2"
        )
        days = await connection.fetchval("SELECT CURRENT_DATE - on_day FROM contact_reservation WHERE interaction_id IS NOT NULL")
        await connection.close()
    assert [tuple(row) for row in rows if row[0] != "confirmed"] == [
        ("released", "service", "message_unspecified", "2026-12-13", True),
        ("reserved", "marketing", "message_unspecified", "2026-12-13", True),
    ]
    assert [(row[1], row[2], row[4]) for row in rows if row[0] == "confirmed"] == [
        ("care", "branch", False),
        ("care", "message_unspecified", True),
    ]
    assert days == 3
