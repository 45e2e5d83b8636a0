"""OGC API - Tiles over the same layers: tile sets, their grid, and the tiles themselves."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.ogc import documents, examples, tilesets
from api.ogc.links import MVT, Links
from api.ogc.openapi import documented
from api.ogc.page import plain
from api.ogc.request import check_names
from api.parameters import Column, LayerName, MatrixSet, Row, Zoom
from api.session import SessionOf
from api.tiles import answer as answer_tile
from layers.base import Layer
from layers.labels import Text
from layers.problems import NotFound
from layers.registry import layer as layer_named
from tiles.vector import drawable

router = APIRouter(default_response_class=Response)


@router.get(
    "/collections/{layer}/tiles",
    summary="瓦片集 | Tile sets",
    **documented("the tile sets", example=examples.TILESETS),
)
async def layer_tilesets(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Return the tile sets of a layer."""
    check_names(request)
    found = _tiled(layer)
    body = tilesets.tilesets(session, Links(request), found)
    return plain(request, session, body, session.say(found.title))


@router.get(
    "/collections/{layer}/tiles/{matrix_set}",
    summary="瓦片集 | Tile set",
    **documented("metadata of one tile set", example=examples.TILESET),
)
async def layer_tileset(
    request: Request, session: SessionOf, layer: LayerName, matrix_set: MatrixSet
) -> Response:
    """Return the metadata of a layer's tile set."""
    check_names(request)
    found = _tiled(layer)
    _check_matrix_set(matrix_set)
    columns = found.table.c
    described = {
        name: documents.described(session, found, name, columns[name]) for name in found.tiled
    }
    body = tilesets.tileset(session, Links(request), found, described)
    return plain(request, session, body, session.say(found.title))


@router.get(
    "/collections/{layer}/tiles/{matrix_set}/{matrix}/{row}/{column}",
    summary="矢量瓦片 | Vector tile",
    **documented("Mapbox Vector Tile", kind=MVT, html=False, parameters=[]),
)
async def layer_tile(
    request: Request,
    layer: LayerName,
    matrix_set: MatrixSet,
    matrix: Zoom,
    row: Row,
    column: Column,
) -> Response:
    """Return the tile of ``/tiles/{layer}/{z}/{x}/{y}``; here the row precedes the column."""
    check_names(request)
    _check_matrix_set(matrix_set)
    return await answer_tile(request, _tiled(layer).name, matrix, column, row)


@router.get(
    "/tileMatrixSets",
    summary="瓦片网格 | Tile matrix sets",
    **documented("the grids", example=examples.MATRIX_SETS),
)
async def matrix_sets(request: Request, session: SessionOf) -> Response:
    """Return the tile matrix sets."""
    check_names(request)
    title = session.say(Text("瓦片网格", "Tile matrix sets"))
    return plain(request, session, tilesets.matrix_sets(Links(request)), title)


@router.get(
    "/tileMatrixSets/{matrix_set}",
    summary="瓦片网格 | Tile matrix set",
    **documented("definition of one grid", example=examples.MATRICES),
)
async def matrix_set(request: Request, session: SessionOf, matrix_set: MatrixSet) -> Response:
    """Return the definition of a tile matrix set."""
    check_names(request)
    _check_matrix_set(matrix_set)
    return plain(request, session, tilesets.matrix_set(), matrix_set)


def _check_matrix_set(name: str) -> None:
    if name != tilesets.MATRIX_SET:
        raise NotFound(
            zh=f"没有瓦片网格“{name}”；可用：{tilesets.MATRIX_SET}",
            en=f"There is no tile matrix set '{name}'; use {tilesets.MATRIX_SET}",
        )


def _tiled(name: str) -> Layer:
    layer = layer_named(name)
    if not drawable(layer):
        raise NotFound(
            zh=f"图层“{layer.title.zh}”没有矢量瓦片",
            en=f"The layer '{layer.name}' has no vector tiles",
        )
    return layer
