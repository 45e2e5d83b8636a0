"""Public bodies (公共机构), a tree over four tiers, and their people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Date, Index, Integer, UniqueConstraint, any_
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Entity, Layer, Sharing, Text, choice, column, reference, table_of
from layers.sharing import share
from layers.types import Ltree


class Body(Entity):
    """A public body; `path` is its place in the tree of bodies."""

    __tablename__ = "body"
    made_by_hand: ClassVar[bool] = False
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        Index("ix_body_path", "path", postgresql_using="gist"),
    )
    code: Mapped[str | None] = column(TextType, "机构编码", "code", index=True, example="017")
    parent_id: Mapped[int | None] = reference("body.id", "上级机构", "parent body", edited=False)
    path: Mapped[str] = mapped_column(
        Ltree(), comment="路径 | path of ids from the root", nullable=False, server_default=""
    )
    tier: Mapped[str | None] = choice("tier", "层级", "tier")
    headcount: Mapped[int | None] = column(
        Integer, "编制人数", "established posts", unit="人", example="35", summed=False
    )

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """A body sees itself and what is below it."""
        return t.c.id == any_(bodies)


class Person(Entity):
    """A person of a body; the rank decides the area standard."""

    __tablename__ = "person"
    number: Mapped[str | None] = column(
        TextType, "工号", "staff number", index=True, example="P0001", sharing=Sharing.IDENTITY
    )
    rank: Mapped[str | None] = choice("rank", "职级", "rank", sharing=Sharing.POST)
    title: Mapped[str | None] = column(
        TextType, "职务", "post", example="科员", sharing=Sharing.POST
    )
    state: Mapped[str | None] = choice("person_state", "状态", "state")
    left_on: Mapped[date | None] = column(Date, "离岗日期", "left on")


share(
    table_of(Person),
    name=Sharing.IDENTITY,
    names=Sharing.IDENTITY,
    source_key=Sharing.IDENTITY,
    attributes=Sharing.CONTACT,
)

BODIES = Layer(
    name="bodies",
    model=Body,
    title=Text("公共机构", "Public bodies"),
    description=Text("四级公共机构", "Public bodies over four tiers"),
    group="people",
    searchable=("name", "code"),
)
PERSONS = Layer(
    name="persons",
    model=Person,
    title=Text("人员", "People"),
    description=Text("各机构的人员", "The people of the bodies"),
    group="people",
    searchable=("name", "number"),
)
