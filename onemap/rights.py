"""What the roles of the database may do, table by table.

Three roles share the work: the owner makes the tables and does jobs, one serves the map, one lets
people in. Whoever gets hold of one of the latter has no more than is granted here.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from layers import (
    accounts,
    audit,
    job_queue,
    jobs,
    registry,  # noqa: F401 - every class is known
)
from layers.base import Base, Tracked, table_of
from layers.records import HandEdit, SearchEntry
from onemap.connecting import connect

_GRANTS = (
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}",
    "GRANT USAGE ON SCHEMA public TO {}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {}",
)


def grant(owner_url: str, role: str) -> None:
    """Let a role read the rows of all tables, and write those that people manage.

    The history and the log of changes are written by triggers of the owner's: whoever gets hold
    of the serving role can neither change what is recorded nor who may see what.
    """
    app = sql.Identifier(role)
    with connect(owner_url) as link, link.transaction():
        for statement in _GRANTS:
            link.execute(sql.SQL(statement).format(app))
        for table in writable():
            link.execute(
                sql.SQL("GRANT INSERT, UPDATE, DELETE ON {} TO {}").format(
                    sql.Identifier(table), app
                )
            )
        for table, hidden in accounts.SECRETS.items():
            link.execute(sql.SQL("REVOKE SELECT ON {} FROM {}").format(sql.Identifier(table), app))
            columns = [c.name for c in Base.metadata.tables[table].columns if c.name not in hidden]
            link.execute(
                sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), app
                )
            )
        _grant_traces(link, app)


def grant_accounts(owner_url: str, role: str) -> None:
    """Let a role write accounts, grants, sessions and tokens, and read nothing else.

    Whoever finds a way to run SQL through what serves the map cannot give himself rights by it:
    that is another connection, which runs nothing but the statements of signing in and of
    administration.
    """
    name = sql.Identifier(role)
    with connect(owner_url) as link, link.transaction():
        link.execute(sql.SQL(_GRANTS[0]).format(name))
        link.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        for table in accounts.TABLES:
            link.execute(
                sql.SQL("GRANT SELECT, INSERT, UPDATE ON {} TO {}").format(
                    sql.Identifier(table), name
                )
            )
        for table in accounts.CLEARED:
            link.execute(sql.SQL("GRANT DELETE ON {} TO {}").format(sql.Identifier(table), name))
        _grant_asking(link, name)
        # It seals too: it takes what waits and adds what is sealed, and changes none of that.
        for rights, table in (
            ("SELECT, INSERT, DELETE", audit.WAITING),
            ("SELECT, INSERT", audit.RECORD),
            ("SELECT, INSERT", audit.SEAL),
        ):
            link.execute(
                sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.Identifier(table), name)
            )


def _grant_traces(link: psycopg.Connection, app: sql.Identifier) -> None:
    """Let the serving role record and count what waits, and read what is sealed; nothing else."""
    waiting = sql.Identifier(audit.WAITING)
    link.execute(sql.SQL("REVOKE SELECT ON {} FROM {}").format(waiting, app))
    link.execute(sql.SQL("GRANT SELECT (id), INSERT ON {} TO {}").format(waiting, app))


def _grant_asking(link: psycopg.Connection, role: sql.Identifier) -> None:
    """Let a role ask for jobs and cancel them; nothing makes it the operator, or ends a job well.

    The worker has the owner's rights. So it is not the serving role that puts work before it.
    """
    job = sql.Identifier(jobs.JOB.name)
    for right, names in (("INSERT", jobs.ASKABLE), ("UPDATE", jobs.CANCELLABLE)):
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        link.execute(sql.SQL("GRANT {} ({}) ON {} TO {}").format(sql.SQL(right), listed, job, role))
    schema = sql.Identifier(job_queue.SCHEMA)
    for statement in (
        "GRANT SELECT ON {job} TO {role}",
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        "GRANT SELECT, INSERT, UPDATE ON {schema}.procrastinate_jobs TO {role}",
        "GRANT INSERT ON {schema}.procrastinate_events TO {role}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}",
    ):
        link.execute(sql.SQL(statement).format(job=job, schema=schema, role=role))


def writable() -> list[str]:
    """Name the tables that the serving role writes: what people manage, and what goes with it."""
    managed = (each.class_ for each in Base.registry.mappers)
    tables = [table_of(m).name for m in managed if issubclass(m, Tracked) and m.managed]
    return sorted([*tables, table_of(SearchEntry).name, table_of(HandEdit).name])
