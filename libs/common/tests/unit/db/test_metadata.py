"""A service's schema is its own tables and the common ones it names, with constraints named by rule."""

from guanxi_common.db.metadata import NAMING_CONVENTION, CommonBase, service_metadata
from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class OwnBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Parent(OwnBase):
    __tablename__ = "parent"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    __table_args__ = (UniqueConstraint("code"), CheckConstraint("code <> ''", name="code_given"))


class Child(OwnBase):
    __tablename__ = "child"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("parent.id"))
    __table_args__ = (Index(None, "parent_id"),)


class SharedForTest(CommonBase):
    __tablename__ = "shared_for_test"
    id: Mapped[int] = mapped_column(primary_key=True)
    __table_args__ = (CheckConstraint("id > 0", name="positive"), {"postgresql_partition_by": "RANGE (id)"})


def test_the_schema_is_the_own_tables_and_the_common_ones_named() -> None:
    whole = service_metadata(OwnBase.metadata, [SharedForTest.__table__])
    assert set(whole.tables) == {"parent", "child", "shared_for_test"}
    assert set(service_metadata(OwnBase.metadata, []).tables) == {"parent", "child"}


def test_every_constraint_of_a_copy_has_the_name_that_the_rule_gives() -> None:
    whole = service_metadata(OwnBase.metadata, [SharedForTest.__table__])
    names = {constraint.name for table in whole.tables.values() for constraint in table.constraints}
    assert names == {
        *("pk_parent", "pk_child", "pk_shared_for_test", "uq_parent_code", "ck_parent_code_given"),
        *("fk_child_parent_id_parent", "ck_shared_for_test_positive"),
    }
    assert {index.name for index in whole.tables["child"].indexes} == {"ix_child_parent_id"}


def test_a_copy_keeps_its_partitioning() -> None:
    whole = service_metadata(OwnBase.metadata, [SharedForTest.__table__])
    assert whole.tables["shared_for_test"].dialect_options["postgresql"]["partition_by"] == "RANGE (id)"
