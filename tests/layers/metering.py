"""Meters and their readings for tests, put in by plain statements."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from layers.access import ESTATE
from layers.base import table_of
from layers.energy import Meter, MeterScope, Reading
from layers.insights import INSIGHTS
from layers.measures import Question, measure
from layers.measures.base import last_month
from layers.meter_events import rebuild
from layers.named import named
from tests.layers.support import put

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)
QUESTION = Question(ESTATE, None, NOW, ZONE)


def at(month, day, hour=0):
    return datetime(2026, month, day, hour, tzinfo=ZONE)


class World:
    """Meters that are read every midnight from 31 August to 12 October, unless said otherwise."""

    def __init__(self, engine):
        self.engine, self.ids = engine, {}
        with engine.begin() as c:
            c.execute(sa.text("SELECT onemap_partition('reading', '2025-08-01', '2026-10-31')"))

    def meter(self, number, readings=None, parent=None, daily=None, start=1000.0, **values):
        """Put in a meter; `daily` is the step of its register, `readings` are ``time: value``."""
        if daily is not None:
            readings = {
                at(8, 31) + timedelta(days=day): start + daily * day for day in range(43)
            } | (readings or {})
        values = {"kind": "electricity", "unit": "kWh"} | values
        rows = [{"time": t, "value": v, "start": None} for t, v in (readings or {}).items()]
        with self.engine.begin() as c:
            made = put(c, Meter, number=number, name=number, parent_id=self.ids.get(parent),
                       **values)  # fmt: skip
            self.ids[number] = made
            self.read(c, made, [row for row in rows if row["value"] is not None])
        return made

    def read(self, c, meter, rows):
        if rows:
            c.execute(sa.insert(table_of(Reading)), [{"meter_id": meter, **row} for row in rows])
        rebuild(c, [meter])

    def ask(self, name, actor=ESTATE):
        """Return number → the columns of a named filter."""
        statement = named(name).ask(replace(QUESTION, actor=actor), {})
        with self.engine.connect() as c:
            found = [dict(row) for row in c.execute(statement).mappings()]
        numbers = {key: number for number, key in self.ids.items()}
        assert all({each.name for each in named(name).columns} < set(row) for row in found)
        return {numbers[row.pop("id")]: row for row in found}

    def share(self, actor=ESTATE):
        """Return number → (numerator, denominator, coverage) of the measure."""
        wanted = measure("unexplained_share")
        question = replace(QUESTION, actor=actor, window=last_month(NOW, ZONE))
        with self.engine.connect() as c:
            rows = c.execute(wanted.ask(question)["values"]).mappings().all()
        values = wanted.read(question, {"values": rows})
        numbers = {key: number for number, key in self.ids.items()}
        return {
            numbers[key]: (value, coverage)
            for key, value, coverage in zip(values.ids, values.values, values.coverage, strict=True)
        }

    def serves(self, number, **places):
        """Say what a meter serves: ``building_id=…``."""
        with self.engine.begin() as c:
            c.execute(sa.insert(table_of(MeterScope)).values(meter_id=self.ids[number], **places))

    def tell(self, name, key, layer="meters", **asked):
        """Return what an insight says of a thing: None, or what `Told` holds."""
        insight = next(each for each in INSIGHTS if (each.name, each.layer) == (name, layer))
        question = replace(QUESTION, **asked)
        key = self.ids.get(key, key)
        with self.engine.connect() as c:
            found = {
                name: c.execute(statement).mappings().all()
                for name, statement in insight.ask(question, key).items()
            }
        return insight.read(question, key, found)
