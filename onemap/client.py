"""The notebook client: the estate as GeoDataFrames and DataFrames, over HTTP alone.

``from onemap import Client``. It imports no server code and needs none of the server's packages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import geopandas as gpd
import httpx
import pandas as pd
from shapely.geometry import shape

if TYPE_CHECKING:
    import folium

Moment = str | datetime
Window = tuple[Moment, Moment] | str
CRS = "EPSG:4326"
PAGE = 1_000
_IDS_A_REQUEST = 200
_DTYPES = {"string": "str", "integer": "Int64", "number": "float64", "boolean": "boolean"}


class ServiceError(RuntimeError):
    """The service refused; its own words say why and what to do.

    Attributes
    ----------
    status : the HTTP status.
    problem : the RFC 9457 document, where there was one.
    """

    def __init__(self, status: int, problem: dict[str, Any], url: str) -> None:
        self.status, self.problem = status, problem
        said = problem.get("detail") or problem.get("title") or "no explanation"
        super().__init__(f"{status}: {said} ({url})")


class TokenExpiredError(ServiceError):
    """The token was valid once and is no more: make another in the page's account menu."""


class IncompleteError(RuntimeError):
    """Fewer rows arrived than the service said there are: nothing is returned in part."""


class Client:
    """A connection to a map service.

    Parameters
    ----------
    url : the address of the service; default ``ONEMAP_URL``, else http://127.0.0.1:8080/.
    token : of an account, made in the page's account menu; default ``ONEMAP_TOKEN``. Without one
        only public rows are seen. It expires, and every request then raises `TokenExpiredError`.
    language : of labels and errors, ``zh`` or ``en``.
    timeout_s : how long to wait for one answer, in seconds.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        language: str = "zh",
        timeout_s: float = 60.0,
    ) -> None:
        url = url or os.environ.get("ONEMAP_URL") or "http://127.0.0.1:8080/"
        self.url = url.rstrip("/") + "/"
        self.language = language
        headers = {"Accept": "application/json", "Accept-Language": language}
        token = token or os.environ.get("ONEMAP_TOKEN")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(headers=headers, timeout=timeout_s, follow_redirects=True)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON at an address of the service.

        Raises
        ------
        TokenExpiredError : the token has expired.
        ServiceError : the service refused, with its own explanation.
        """
        given = {key: value for key, value in query.items() if value is not None}
        url = urljoin(self.url, path)
        # httpx would drop the query that a link already has, if it were given an empty one.
        answer = self._http.get(url, params=given) if given else self._http.get(url)
        if answer.is_success:
            return answer.json()
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        problem = problem if isinstance(problem, dict) else {}
        expired = problem.get("reason") == "token_expired"
        kind = TokenExpiredError if expired else ServiceError
        raise kind(answer.status_code, problem, str(answer.url))

    @cached_property
    def catalogue(self) -> dict[str, Any]:
        """The service's catalogue, read once."""
        found: dict[str, Any] = self.get("catalogue")
        return found

    @property
    def timezone(self) -> str:
        """The time zone in which the estate counts its days."""
        return str(self.catalogue["timezone"])

    def layers(self) -> pd.DataFrame:
        """Return what there is: one row a layer, with its title, geometry, rows and measures."""
        wanted = ("group", "title", "description", "geometry", "count", "measures")
        found = [
            {"name": each["name"]}
            | {
                key: each[key][self.language] if isinstance(each[key], dict) else each[key]
                for key in wanted
            }
            for each in self.catalogue["layers"]
        ]
        return pd.DataFrame(found).set_index("name")

    def read(
        self,
        layer: str,
        *,
        bbox: Sequence[float] | None = None,
        where: str | None = None,
        named: str | None = None,
        at: Moment | None = None,
        crs: Any = CRS,
    ) -> gpd.GeoDataFrame:
        """Return the rows of a layer, all pages of them, indexed by id.

        Parameters
        ----------
        bbox : west, south, east, north in EPSG:4326.
        where : a filter in CQL2 text, as in ``"use = 'office' AND usable_area_m2 > 20"``.
        named : a counted question, as in ``"vacant_rooms"``: the rows that its list holds.
        at : the moment of record; default now.
        crs : of the geometry returned; default EPSG:4326.

        Returns
        -------
        GeoDataFrame with every column of the layer and its type, empty answers included. Times
        are in the estate's time zone. A layer without geometry has an empty geometry column.

        Raises
        ------
        ServiceError : the layer or the filter is wrong.
        IncompleteError : fewer rows arrived than matched.
        """
        described = self._layer(layer)
        query = {
            "limit": PAGE,
            "bbox": ",".join(repr(float(side)) for side in bbox) if bbox is not None else None,
            "filter": where,
            "filter-lang": "cql2-text" if where else None,
            "named": named,
            "at": _iso(at),
        }
        features = list(self._features(f"ogc/collections/{layer}/items", query))
        return self._frame(described, features).to_crs(crs)

    def series(
        self, kind: str, ids: int | Iterable[int], window: Window, *, every: str | None = None
    ) -> gpd.GeoDataFrame | pd.DataFrame:
        """Return what was observed of some things in a window [from, to).

        Parameters
        ----------
        kind : ``readings`` (of meters) or ``positions`` (of vehicles).
        ids : of the meters or vehicles.
        window : two moments, or ``"2026-09-01/2026-10-01"``; without an offset they are in the
            estate's time zone.
        every : a fixed step (``"1h"``, ``"1D"``), counted from the window's start, to thin out
            to: the last observation of each step, and the sum of the readings that are
            consumption of an interval. Steps without an observation are left out.

        Returns
        -------
        One row an observation, by thing and time. Positions are a GeoDataFrame in EPSG:4326.
        """
        described = self._layer(kind)
        key = next(f["name"] for f in described["fields"] if f["name"].endswith("_id"))
        first, last = self._window(window)
        wanted = [ids] if isinstance(ids, int) else [int(each) for each in ids]
        features: list[dict[str, Any]] = []
        within = (
            f"time >= TIMESTAMP('{first.isoformat()}') AND time < TIMESTAMP('{last.isoformat()}')"
        )
        for place in range(0, len(wanted), _IDS_A_REQUEST):
            some = ", ".join(map(str, wanted[place : place + _IDS_A_REQUEST]))
            query = {"limit": PAGE, "filter": f"{key} IN ({some}) AND {within}"}
            features += self._features(
                f"ogc/collections/{kind}/items", query | {"filter-lang": "cql2-text"}
            )
        frame = self._frame(described, features).sort_values([key, "time"])
        frame = frame.set_index([key, "time"])
        if every is not None:
            frame = _thinned(frame, key, first.tz_convert(self.timezone), pd.Timedelta(every))
        return frame if described["spatial"] else pd.DataFrame(frame.drop(columns="geometry"))

    def filters(self) -> pd.DataFrame:
        """Return the counted questions: one row each, with its layer and its rule."""
        wanted = ("title", "description", "unit", "citation")
        found = [
            each
            | {key: each[key][self.language] if each[key] is not None else None for key in wanted}
            for each in self.get("filters")
        ]
        return pd.DataFrame(found).set_index("name")

    def measures(self) -> pd.DataFrame:
        """Return what can be measured: one row a measure."""
        found = [
            {
                key: each[key][self.language]
                if isinstance(each[key], dict) and self.language in each[key]
                else each[key]
                for key in each
            }
            for each in self.get("measures")
        ]
        return pd.DataFrame(found).set_index("name")

    def measure(
        self,
        name: str,
        *,
        window: Window | None = None,
        at: Moment | None = None,
        bbox: Sequence[float] | None = None,
    ) -> pd.DataFrame:
        """Return a measure: value, numerator, denominator and coverage of each thing, by id.

        What is not known is NaN, never 0. ``attrs`` holds the unit, the classes (``breaks``,
        ``colors``), the window and the ``editions`` of standards and factors that were used.

        Parameters
        ----------
        window : of observations, [from, to); default the last full month or week.
        at : the moment of record; default now.
        bbox : west, south, east, north in EPSG:4326; the classes stay those of everything.
        """
        span = None
        if window is not None:
            span = "/".join(stamp.isoformat() for stamp in self._window(window))
        box = ",".join(repr(float(side)) for side in bbox) if bbox is not None else None
        answer = self.get(f"measures/{name}", window=span, at=_iso(at), bbox=box)
        columns = ("numerator", "denominator", "coverage")
        frame = pd.DataFrame(
            {"value": answer["values"]} | {key: answer[key] for key in columns},
            index=pd.Index(answer["ids"], name="id", dtype="int64"),
        )
        numbers = columns if answer.get("categories") else ("value", *columns)
        frame = frame.astype(dict.fromkeys(numbers, "float64"))
        skipped = {"ids", "values", *columns}
        frame.attrs = {key: value for key, value in answer.items() if key not in skipped}
        frame.attrs["unit"] = answer["unit"][self.language]
        return frame

    def map(
        self,
        layer: str | None = None,
        *,
        measure: str | None = None,
        bbox: Sequence[float] | None = None,
        where: str | None = None,
        window: Window | None = None,
        at: Moment | None = None,
    ) -> folium.Map:
        """Return a map of a layer, coloured by a measure, that needs no outside host.

        Leaflet itself travels in the page. Beneath lie the service's own blocks, waters, greens,
        roads and buildings of the same place.

        Parameters
        ----------
        layer : what to draw; default the measure's layer.
        bbox, where, at : as in `read`.
        window : as in `measure`.

        Raises
        ------
        ValueError : neither a layer nor a measure is given, or the measure is of another layer.
        """
        from onemap.client_map import draw  # folium takes a second to import

        values = None
        if measure is not None:
            values = self.measure(measure, window=window, at=at)
            layer = layer or values.attrs["layer"]
            if layer != values.attrs["layer"]:
                raise ValueError(f"{measure} is a measure of {values.attrs['layer']}, not {layer}")
        if layer is None:
            raise ValueError("give a layer or a measure")
        features = self.read(layer, bbox=bbox, where=where, at=at)
        return draw(self, layer, features, values, at)

    def _layer(self, name: str) -> dict[str, Any]:
        for each in self.catalogue["layers"]:
            if each["name"] == name:
                found: dict[str, Any] = each
                return found
        known = ", ".join(each["name"] for each in self.catalogue["layers"])
        raise ValueError(f"there is no layer called {name!r}; the layers are {known}")

    def _features(self, path: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield every feature, page after page, and refuse to end short."""
        page = self.get(path, **query)
        matched, count = page.get("numberMatched"), 0
        while True:
            count += len(page["features"])
            yield from page["features"]
            following = [link for link in page.get("links", ()) if link["rel"] == "next"]
            if not following:
                break
            page = self.get(following[0]["href"])
        if matched is not None and count < matched:
            raise IncompleteError(
                f"{count} of {matched} rows of {path} arrived; something changed meanwhile "
                "or the service broke off: read again"
            )

    def _frame(self, described: dict[str, Any], features: list[dict[str, Any]]) -> gpd.GeoDataFrame:
        names = [each["name"] for each in described["fields"]]
        ids = [feature["id"] for feature in features]
        properties = [feature["properties"] | {"id": feature["id"]} for feature in features]
        frame = pd.DataFrame(properties, columns=names, index=pd.Index(ids, name="id"))
        for each in described["fields"]:
            frame[each["name"]] = self._typed(frame[each["name"]], each["type"])
        frame = frame.drop(columns=[name for name in ("id",) if name in frame.columns])
        geometry = [shape(f["geometry"]) if f.get("geometry") else None for f in features]
        return gpd.GeoDataFrame(
            frame, geometry=gpd.GeoSeries(geometry, index=frame.index, crs=CRS), crs=CRS
        )

    def _typed(self, column: pd.Series[Any], kind: str) -> pd.Series[Any]:
        if kind == "date-time":
            moments = pd.to_datetime(column, utc=True, format="ISO8601")
            return moments.dt.as_unit("us").dt.tz_convert(self.timezone)
        if kind == "date":
            return pd.to_datetime(column, format="ISO8601").dt.as_unit("s")
        return column.astype(_DTYPES.get(kind, "object"))  # type: ignore[call-overload,no-any-return]

    def _window(self, window: Window) -> tuple[pd.Timestamp, pd.Timestamp]:
        start, end = window.split("/") if isinstance(window, str) else window
        first, last = self._moment(start), self._moment(end)
        if first >= last:
            raise ValueError(f"the window {window!r} ends before it begins")
        return first, last

    def _moment(self, moment: Moment) -> pd.Timestamp:
        stamp = pd.Timestamp(moment)
        return stamp.tz_localize(self.timezone) if stamp.tzinfo is None else stamp


def _iso(moment: Moment | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment


def _thinned(
    frame: gpd.GeoDataFrame, key: str, start: pd.Timestamp, step: pd.Timedelta
) -> gpd.GeoDataFrame:
    """Return one row for each thing and step, the steps counted from `start`."""
    things, times = (frame.index.get_level_values(name) for name in (key, "time"))
    steps = start + (times - start) // step * step
    binned = frame.set_axis(pd.MultiIndex.from_arrays([things, steps], names=[key, "time"]))
    # `last` of each column would mix observations: whole rows are taken.
    result = binned[~binned.index.duplicated(keep="last")].copy()
    if "start" in frame.columns:
        interval = binned[binned["start"].notna()]
        sums = interval.groupby(level=[0, 1])["value"].sum()
        result.loc[sums.index, "value"] = sums
    return result


__all__ = ["Client", "IncompleteError", "ServiceError", "TokenExpiredError"]
