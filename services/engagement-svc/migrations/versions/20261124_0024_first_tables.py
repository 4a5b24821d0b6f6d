"""The first tables of the service, and its copies of the common ones."""

import sqlalchemy as sa
from alembic import op
from guanxi_common.security.audit.tables import create_audit_guards
from sqlalchemy.dialects import postgresql
revision = '20261124_0024'
down_revision = None


def upgrade() -> None:
    op.create_table('audit_entry',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('subject_type', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Text(), nullable=False),
    sa.Column('fields', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('reason', sa.LargeBinary(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('sealed_seq', sa.BigInteger(), nullable=True),
    sa.Column('leaf_hash', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entry'))
    )
    op.create_index('ix_audit_entry_subject', 'audit_entry', ['subject_type', 'subject_id', 'at'], unique=False)
    op.create_index('ix_audit_entry_unsealed', 'audit_entry', ['id'], unique=False, postgresql_where=sa.text('sealed_seq IS NULL'))
    op.create_index('uq_audit_entry_sealed_seq', 'audit_entry', ['sealed_seq'], unique=True, postgresql_where=sa.text('sealed_seq IS NOT NULL'))
    op.create_table('audit_head',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('frontier', postgresql.ARRAY(sa.LargeBinary()), nullable=False),
    sa.PrimaryKeyConstraint('size', name=op.f('pk_audit_head'))
    )
    op.create_table('book_alias',
    sa.Column('old_id', sa.Uuid(), nullable=False),
    sa.Column('survivor_id', sa.Uuid(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('old_id', 'valid_from', name=op.f('pk_book_alias'))
    )
    op.create_index('ix_book_alias_survivor_id', 'book_alias', ['survivor_id'], unique=False)
    op.create_table('book_assignment',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('capacity', sa.Text(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('outlet_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("capacity IN ('primary_rm', 'assistant')", name=op.f('ck_book_assignment_capacity')),
    sa.CheckConstraint('valid_to > valid_from', name=op.f('ck_book_assignment_interval')),
    sa.PrimaryKeyConstraint('customer_id', 'capacity', 'valid_from', name=op.f('pk_book_assignment'))
    )
    op.create_index('ix_book_assignment_outlet_id', 'book_assignment', ['outlet_id', 'customer_id'], unique=False)
    op.create_index('ix_book_assignment_staff_id', 'book_assignment', ['staff_id', 'customer_id'], unique=False, postgresql_where=sa.text('staff_id IS NOT NULL'))
    op.create_index('ix_book_assignment_valid_from', 'book_assignment', ['valid_from'], unique=False)
    op.create_table('customer',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('customer_type', sa.Text(), nullable=False),
    sa.Column('outlet_id', sa.Uuid(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_customer'))
    )
    op.create_table('dead_letter',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('offset', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('type', sa.Text(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=True),
    sa.Column('record', sa.LargeBinary(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('failed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('requested_by', sa.Text(), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('resolution', sa.Text(), nullable=True),
    sa.Column('resolved_by', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_letter')),
    sa.UniqueConstraint('consumer', 'topic', 'partition', 'offset', name=op.f('uq_dead_letter_consumer_topic_partition_offset'))
    )
    op.create_index('ix_dead_letter_open', 'dead_letter', ['consumer', 'topic', 'key'], unique=False, postgresql_where=sa.text('resolved_at IS NULL'))
    op.create_table('directory_outlet',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_outlet'))
    )
    op.create_index('ix_directory_outlet_parent_id', 'directory_outlet', ['parent_id'], unique=False)
    op.create_table('directory_role',
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('grants', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('role', name=op.f('pk_directory_role'))
    )
    op.create_table('directory_staff',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('outlet_id', sa.Uuid(), nullable=True),
    sa.Column('reports_to', sa.Uuid(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_staff')),
    sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_directory_staff_issuer_subject'))
    )
    op.create_index('ix_directory_staff_outlet_id', 'directory_staff', ['outlet_id'], unique=False)
    op.create_table('idempotency_answer',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('request_digest', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_idempotency_answer'))
    )
    op.create_index(op.f('ix_idempotency_answer_created_at'), 'idempotency_answer', ['created_at'], unique=False)
    op.create_table('inbox_event',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('payload_hash', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('consumer', 'event_id', name=op.f('pk_inbox_event'))
    )
    op.create_index('ix_inbox_event_seen_at', 'inbox_event', ['seen_at'], unique=False, postgresql_using='brin')
    op.create_table('inbox_parked',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('record', sa.LargeBinary(), nullable=False),
    sa.Column('parked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox_parked'))
    )
    op.create_index('ix_inbox_parked_behind', 'inbox_parked', ['consumer', 'topic', 'key'], unique=False, postgresql_where=sa.text("reason = 'behind'"))
    op.create_index('ix_inbox_parked_key', 'inbox_parked', ['consumer', 'topic', 'key', 'id'], unique=False)
    op.create_table('inbox_version',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('consumer', 'topic', 'key', name=op.f('pk_inbox_version'))
    )
    op.create_table('interaction',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('booked_on', sa.Date(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('result_note', sa.Text(), nullable=True),
    sa.Column('relationship_effect', sa.Text(), nullable=False),
    sa.Column('participants', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('materials', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('next_step', sa.Text(), nullable=True),
    sa.Column('recorded_by', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('completed_task_ids', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interaction'))
    )
    op.create_index('ix_interaction_customer', 'interaction', ['customer_id', 'occurred_at', 'id'], unique=False)
    op.create_table('outbox',
    sa.Column('sequence', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('shard', sa.SmallInteger(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('event_count', sa.Integer(), nullable=False),
    sa.Column('traceparent', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('blocked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_outbox'))
    )
    op.create_index('ix_outbox_blocked', 'outbox', ['shard', 'sequence'], unique=False, postgresql_where=sa.text('blocked_at IS NOT NULL'))
    op.create_index('ix_outbox_published_at', 'outbox', ['published_at'], unique=False, postgresql_where=sa.text('published_at IS NOT NULL'))
    op.create_index('ix_outbox_unpublished', 'outbox', ['shard', 'sequence'], unique=False, postgresql_where=sa.text('published_at IS NULL AND blocked_at IS NULL'))
    op.create_table('outbox_blocked_key',
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('shard', sa.SmallInteger(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('blocked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('topic', 'key', name=op.f('pk_outbox_blocked_key'))
    )
    op.create_table('plan',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('life_stage', sa.Text(), nullable=False),
    sa.Column('objective', sa.Text(), nullable=False),
    sa.Column('goals', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('agreed_on', sa.Date(), nullable=False),
    sa.Column('agreement_method', sa.Text(), nullable=False),
    sa.Column('review_every_months', sa.Integer(), nullable=False),
    sa.Column('next_review_on', sa.Date(), nullable=True),
    sa.Column('review_task_opened', sa.Boolean(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan'))
    )
    op.create_index('ix_plan_customer', 'plan', ['customer_id', 'agreed_on'], unique=False)
    op.create_index('ix_plan_review_due', 'plan', ['next_review_on'], unique=False, postgresql_where=sa.text('NOT review_task_opened'))
    op.create_table('task',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('task_type', sa.Text(), nullable=False),
    sa.Column('origin', sa.Text(), nullable=False),
    sa.Column('reason_code', sa.Text(), nullable=False),
    sa.Column('reason_en', sa.Text(), nullable=False),
    sa.Column('reason_zh', sa.Text(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('rank_key', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=True),
    sa.Column('outlet_id', sa.Uuid(), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('calendar_version', sa.Text(), nullable=False),
    sa.Column('due_provisional', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('breached_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('escalated_to', sa.Uuid(), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('completed_by', sa.Text(), nullable=True),
    sa.Column('standards_version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task'))
    )
    op.create_index('ix_task_customer', 'task', ['customer_id', 'opened_at'], unique=False)
    op.create_index('ix_task_due', 'task', ['due_at'], unique=False, postgresql_where=sa.text("state = 'open' AND breached_at IS NULL"))
    op.create_index('ix_task_origin', 'task', ['origin'], unique=True)
    op.create_index('ix_task_worklist_outlet', 'task', ['outlet_id', 'rank_key', 'id'], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_index('ix_task_worklist_owner', 'task', ['owner_id', 'rank_key', 'id'], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_table('plan_review',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reviewed_on', sa.Date(), nullable=False),
    sa.Column('changes', sa.Text(), nullable=False),
    sa.Column('portfolio_against_plan', sa.Text(), nullable=False),
    sa.Column('advice', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('next_review_on', sa.Date(), nullable=True),
    sa.Column('reviewer_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['plan_id'], ['plan.id'], name=op.f('fk_plan_review_plan_id_plan')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_review'))
    )
    op.create_index('ix_plan_review_plan', 'plan_review', ['plan_id', 'reviewed_on'], unique=False)
    create_audit_guards(op)
