"""Trainings that wait become operations (D9). One that an API of the version before takes in meanwhile stays queued: ask for it again."""

from alembic import op

revision = "20261128_2112"
down_revision = "20261128_2107"


def upgrade() -> None:
    op.execute(
        "INSERT INTO operation (id, kind, state, parameters, requested_by, requested_at, moved_at)"
        " SELECT id, 'model-training', 'queued', jsonb_build_object('name', name, 'kind', request->'kind', 'label', request->'label'),"
        " requested_by, requested_at, requested_at FROM model_training WHERE state = 'queued' ON CONFLICT DO NOTHING"
    )
