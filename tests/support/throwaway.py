"""A layer that exists for one test alone: one class, one `Layer`, one migration.

Run as a program of its own, so that the class never meets another test's metadata. It prints what
it found of the layer in every place that should know it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import httpx
import mapbox_vector_tile
import sqlalchemy as sa
import uvicorn
from alembic import command
from sqlalchemy import Float
from sqlalchemy.orm import Mapped

from layers import db, registry
from layers.base import Feature, Layer, Paint, Text, column, table_of


class Hydrant(Feature):
    """A fire hydrant."""

    __tablename__ = "hydrant"
    geometry_type: ClassVar[str] = "POINT"
    pressure_kpa: Mapped[float | None] = column(Float, "水压", "pressure", unit="kPa")


HYDRANTS = Layer(
    name="hydrants",
    model=Hydrant,
    title=Text("消火栓", "Hydrants"),
    description=Text("室外消火栓", "Outdoor hydrants"),
    group="assets",
    tiled=("name", "pressure_kpa"),
    paint=Paint("circle", "#d64545", "#ff8080"),
)
# Before anything else is imported: the tuple is all that the rest of the service reads.
registry.LAYERS = (*registry.LAYERS, HYDRANTS)

from api.app import create_app  # noqa: E402
from api.session import Config  # noqa: E402
from layers.search_entries import refresh  # noqa: E402


def migrate(owner_url: str, folder: Path) -> str:
    """Let autogenerate write the migration, apply it, and return its text."""
    engine = db.engine(owner_url)
    with engine.begin() as connection:
        config = db.config(connection)
        config.set_main_option("version_locations", f"{db.MIGRATIONS / 'versions'}:{folder}")
        command.revision(
            config, message="hydrants", autogenerate=True, version_path=str(folder), rev_id="t001"
        )
        command.upgrade(config, "head")
    engine.dispose()
    return "".join(path.read_text("utf-8") for path in folder.glob("*.py"))


def plant(owner_url: str) -> None:
    """Put in one hydrant."""
    engine = db.engine(owner_url)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(table_of(Hydrant)).values(
                source="test",
                source_key="1",
                name="门前消火栓",
                pressure_kpa=140,
                geom="SRID=4326;POINT(119.6005 38.9005)",
            )
        )
        refresh(connection, HYDRANTS)
    engine.dispose()


def look(base: str) -> dict[str, Any]:
    """Return what each part of the service says of the layer."""
    from onemap import Client

    with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
        catalogue = http.get("/catalogue").json()["layers"]
        tile = http.get("/tiles/hydrants/14/13635/6267")
        style = http.get("/style.json").json()
        queryables = http.get("/ogc/collections/hydrants/queryables").json()
        items = http.get(
            "/ogc/collections/hydrants/items", params={"filter": "pressure_kpa > 100"}
        ).json()
        search = http.get("/search", params={"q": "消火栓"}).json()
        openapi = http.get("/ogc/collections").json()
    read = Client(base).read("hydrants")
    return {
        "catalogue": [each for each in catalogue if each["name"] == "hydrants"],
        "tile": mapbox_vector_tile.decode(tile.content)["hydrants"]["features"][0]["properties"],
        "style": [each["id"] for each in style["layers"] if each.get("source-layer") == "hydrants"],
        "queryables": queryables["properties"]["pressure_kpa"],
        "items": [each["properties"]["name"] for each in items["features"]],
        "search": [each["layer"] for each in search["results"]],
        "collections": [each["id"] for each in openapi["collections"]],
        "client": {"rows": len(read), "crs": str(read.crs), "name": read["name"].tolist()},
    }


def main() -> None:
    """Migrate, plant, serve and look."""
    owner_url, app_url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    migration = migrate(owner_url, folder)
    plant(owner_url)
    server = uvicorn.Server(
        uvicorn.Config(create_app(Config(app_url, anonymous="public")), port=0, log_level="warning")
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = look(f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join()
    print(json.dumps({"migration": migration, **found}, ensure_ascii=False))


if __name__ == "__main__":
    main()
