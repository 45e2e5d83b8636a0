"""``layers`` and ``settings``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import language, say


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(help=say("列出图层", "list the layers"))(layers)
    app.command(help=say("列出全部设置", "list all settings"))(settings)
    app.callback()(_root)


def _version(wanted: bool) -> None:
    if wanted:
        from onemap import __version__

        typer.echo(__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_version, help=say("显示版本", "show the version")
        ),
    ] = False,
) -> None:
    """Nothing of its own: the commands do the work."""


def layers(
    count: Annotated[
        bool, typer.Option("--count", help=say("数出各层的行数", "count each layer's rows"))
    ] = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """List the layers, with their numbers of rows when asked."""
    import sqlalchemy as sa

    from layers.access import ESTATE, rows
    from layers.registry import LAYERS
    from onemap.commands.reports import table
    from onemap.database import connected
    from onemap.settings import load

    listed: list[dict[str, object]] = [
        {
            "name": layer.name,
            "title": getattr(layer.title, language()),
            "geometry": getattr(layer.model, "geometry_type", None),
        }
        for layer in LAYERS
    ]
    if count:
        with connected(load(), demo=demo) as connection:
            for row, layer in zip(listed, LAYERS, strict=True):
                seen = sa.select(sa.func.count()).select_from(rows(layer, ESTATE))
                row["rows"] = connection.scalar(seen)
    table(listed, as_json=as_json)


def _given(value: Any) -> Any:
    """Return a value as it can be set."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def settings(as_json: Json = False) -> None:
    """List every setting with its value, where the value is from, and its meaning."""
    from onemap.commands.reports import table
    from onemap.settings import describe, load

    listed = describe(load())
    if not as_json:
        listed = [{k: _given(v) for k, v in row.items() if k not in {"zh", "en"}} for row in listed]
    table(listed, as_json=as_json)
