"""The declarative base of scoring-svc's own tables, and the common tables that it keeps in its database."""

from datetime import datetime

from guanxi_common.db.metadata import NAMING_CONVENTION
from guanxi_common.digests.tables import DIGEST_TABLES
from guanxi_common.erasure.tables import ERASURE_TABLES
from guanxi_common.http.idempotency import IDEMPOTENCY_TABLES
from guanxi_common.messaging.tables import MESSAGING_TABLES
from guanxi_common.operations.tables import OPERATION_TABLES
from guanxi_common.recovery.tables import RECOVERY_TABLES
from guanxi_common.security.audit.tables import AUDIT_TABLES
from guanxi_common.security.directory.tables import DIRECTORY_TABLES
from guanxi_common.set_aside.tables import SET_ASIDE_TABLES
from guanxi_common.standards.tables import STANDARD_TABLES
from sqlalchemy import DateTime, MetaData, Table, Text
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text()}  # SQLAlchemy's way to say it


COMMON_TABLES: tuple[Table, ...] = (
    *MESSAGING_TABLES,
    *IDEMPOTENCY_TABLES,
    *AUDIT_TABLES,
    *DIRECTORY_TABLES,
    *ERASURE_TABLES,
    *DIGEST_TABLES,
    *OPERATION_TABLES,
    *RECOVERY_TABLES,
    *SET_ASIDE_TABLES,
    *STANDARD_TABLES,
)
