"""The declarative base of scoring-svc's own tables, and the common tables that it keeps in its database."""

from guanxi_common.db.metadata import NAMING_CONVENTION
from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


COMMON_TABLES: tuple[Table, ...] = ()
