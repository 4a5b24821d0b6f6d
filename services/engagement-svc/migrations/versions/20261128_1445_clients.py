"""Clients apart from staff; those that stood among staff move. Their sources come with the next snapshot, and are not asked for here."""

import sqlalchemy as sa
from alembic import op
revision = '20261128_1445'
down_revision = '20261128_1432'


def upgrade() -> None:
    op.create_table('directory_client',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('sources', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_client')),
    sa.UniqueConstraint('issuer', 'client_id', name=op.f('uq_directory_client_issuer_client_id'))
    )
    op.add_column('directory_role', sa.Column('holder', sa.Text(), server_default=sa.text("'staff'"), nullable=False))
    op.execute("UPDATE directory_role SET holder = 'client' WHERE role = 'core_banking'")
    op.execute("""
        INSERT INTO directory_client (id, issuer, client_id, name, role, sources, active, version, epoch)
        SELECT id, issuer, subject, name, role, '{}', active, version, epoch FROM directory_staff WHERE role = 'core_banking'
    """)
    op.execute("DELETE FROM directory_staff WHERE role = 'core_banking'")
