"""The tables of the audit log. Every service keeps a copy of both (`AUDIT_TABLES`) and guards them (`create_audit_guards`)."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, DateTime, Identity, Index, LargeBinary, Table, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)


class AuditEntry(CommonBase):
    """Who did what to which fields of whom, and why. Holds ids and field names, never their values.

    `reason` is sealed under the customer's data key. `sealed_seq` is the entry's index in the Merkle log and `leaf_hash` its leaf;
    both are NULL until the sealer has come by (about a second).
    """

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(_Instant, server_default=func.clock_timestamp())
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[bytes | None]
    request_id: Mapped[str | None] = mapped_column(Text)
    sealed_seq: Mapped[int | None] = mapped_column(BigInteger)
    leaf_hash: Mapped[bytes | None]
    __table_args__ = (
        Index("ix_audit_entry_unsealed", "id", postgresql_where=text("sealed_seq IS NULL")),
        Index("uq_audit_entry_sealed_seq", "sealed_seq", unique=True, postgresql_where=text("sealed_seq IS NOT NULL")),
        Index("ix_audit_entry_subject", "subject_type", "subject_id", "at"),
    )


class AuditHead(CommonBase):
    """A signed tree head: `root` of the first `size` entries. `frontier` are the hashes from which the tree grows on."""

    __tablename__ = "audit_head"
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(_Instant)
    public_key: Mapped[bytes]
    signature: Mapped[bytes]
    frontier: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))


AUDIT_TABLES: tuple[Table, ...] = tuple(cast("Table", model.__table__) for model in (AuditEntry, AuditHead))

_GUARDS = (
    """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
""",
    """
CREATE TRIGGER seal_only_once BEFORE UPDATE ON audit_entry FOR EACH ROW WHEN (
    OLD.sealed_seq IS NOT NULL OR NEW.sealed_seq IS NULL OR NEW.leaf_hash IS NULL
    OR (OLD.id, OLD.at, OLD.actor, OLD.action, OLD.purpose, OLD.subject_type, OLD.subject_id, OLD.fields, OLD.reason, OLD.request_id)
        IS DISTINCT FROM
        (NEW.id, NEW.at, NEW.actor, NEW.action, NEW.purpose, NEW.subject_type, NEW.subject_id, NEW.fields, NEW.reason, NEW.request_id)
) EXECUTE FUNCTION refuse_audit_change()
""",
    "CREATE TRIGGER never_delete BEFORE DELETE OR TRUNCATE ON audit_entry EXECUTE FUNCTION refuse_audit_change()",
    "CREATE TRIGGER never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_head EXECUTE FUNCTION refuse_audit_change()",
)


def create_audit_guards(op: Any) -> None:
    """Make the database refuse to change or delete audit rows; a migration calls it with Alembic's `op` after creating the tables.

    Whoever owns the tables can take the guards off; what was done then is found by verification (docs/guides/audit.md).
    """
    for statement in _GUARDS:
        op.execute(statement)
