"""Changes to the estate: several puts and deletes, all or nothing; and taking them back."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.answers import answer_of, documented
from api.schemas import DONE
from api.session import SessionOf
from api.writing import Writer
from layers.editing import Delete, Done, Edit, Put, apply, undo
from layers.editing.values import writable
from layers.registry import layer as layer_named

router = APIRouter(tags=["changes"])
_EXAMPLE: dict[str, Any] = {
    "seq": 1042,
    "recorded_at": "2026-10-12T09:00:00.000001+08:00",
    "actor": "demo",
    "puts": [{"layer": "rooms", "id": 412, "revision": 4}],
    "deletes": [],
}


def _kept(text: str) -> str:
    if not writable(text):
        raise ValueError("holds a character that cannot be kept")
    return text


Reason = Annotated[str, AfterValidator(_kept)]
_Key = Annotated[int, Field(ge=1, le=2**63 - 1)]


class PutBody(BaseModel):
    """A row to make (no `id`) or to change."""

    model_config = ConfigDict(extra="forbid")
    layer: str = Field(examples=["rooms"])
    id: _Key | None = Field(None, examples=[412])
    revision: _Key | None = Field(None, description="所依据的修订号 | the revision that was read")
    like: _Key | None = Field(
        None, description="新对象所仿照的对象 | the row that a new one takes values and links from"
    )
    properties: dict[str, Any] = Field({}, examples=[{"use": "office"}])
    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON，WGS 84；null 为清空 | GeoJSON in WGS 84; null for none"
    )
    links: dict[str, list[_Key]] = Field(
        {},
        description="关联对象编号，按图层 | ids of linked rows by layer",
        examples=[{"levels": [3]}],
    )

    def put(self) -> Put:
        """Return the put that is meant."""
        placed = "geometry" in self.model_fields_set
        given = self.model_dump(exclude={"layer"})
        return Put(layer=layer_named(self.layer), placed=placed, **given)


class DeleteBody(BaseModel):
    """A row to delete."""

    model_config = ConfigDict(extra="forbid")
    layer: str = Field(examples=["rooms"])
    id: _Key = Field(examples=[412])
    revision: _Key | None = Field(None, description="所依据的修订号 | the revision that was read")


class EditBody(BaseModel):
    """Several puts and deletes over several layers."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason | None = Field(None, max_length=1000, examples=["三楼重新分配"])
    puts: list[PutBody] = []
    deletes: list[DeleteBody] = []

    def edit(self) -> Edit:
        """Return the edit that is meant."""
        deletes = [Delete(layer_named(d.layer), d.id, d.revision) for d in self.deletes]
        return Edit([each.put() for each in self.puts], deletes, self.reason)


class UndoBody(BaseModel):
    """Why a change is taken back."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason | None = Field(
        None, max_length=1000, description="撤销他人修改时必填 | needed for others' changes"
    )


@router.post(
    "/changes",
    summary="一次修改 | Make, change and delete rows of several layers, all or nothing",
    response_class=Response,
    responses=documented(DONE, _EXAMPLE, 400, 401, 403, 404, 412, 422, 428, 503),
)
async def change(session: SessionOf, request: Request, body: EditBody) -> Response:
    """Write all of it or nothing, and answer once it is committed.

    412 tells who changed a row meanwhile and which fields differ; 422 the reason for each field.
    """
    edit = body.edit()
    writer: Writer = request.app.state.writer
    zone = session.config.zone
    done = await writer.write(partial(apply, actor=session.actor, edit=edit, zone=zone))
    return _answer(session, done)


@router.post(
    "/changes/{seq}/undo",
    summary="撤销一次修改 | Take a change set back",
    response_class=Response,
    responses=documented(DONE, _EXAMPLE, 400, 401, 403, 404, 412, 422, 503),
)
async def take_back(
    session: SessionOf,
    request: Request,
    seq: Annotated[
        int,
        Path(
            ge=1, le=2**63 - 1, description="序号 | place in the order of commits", examples=[1042]
        ),
    ],
    body: Annotated[UndoBody | None, Body()] = None,
) -> Response:
    """Undo a change set; undoing an undo is a redo. What another did needs a reason."""
    writer: Writer = request.app.state.writer
    reason = body.reason if body else None
    done = await writer.write(partial(undo, actor=session.actor, seq=seq, reason=reason))
    return _answer(session, done)


def _answer(session: SessionOf, done: Done) -> Response:
    zone = session.config.zone
    return answer_of(
        {
            "seq": done.seq,
            "recorded_at": done.recorded_at and done.recorded_at.astimezone(zone),
            "actor": session.actor.name,
            "puts": [each._asdict() for each in done.puts],
            "deletes": [{"layer": layer, "id": key} for layer, key in done.deletes],
        }
    )
