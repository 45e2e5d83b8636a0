"""What people manage is written through a `ChangeSet`; nothing beside it writes a tracked table."""

import ast
import re
from pathlib import Path

from layers import registry  # noqa: F401 - every class is known
from layers.history import tracked_tables

HOUSE = Path(__file__).parents[2]
PARTS = ("geo", "layers", "importers", "tiles", "api", "onemap")
WRITES = {"insert", "update", "delete"}
IN_TEXT = re.compile(
    r"\b(INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE"
    r"|COPY\s+[^\s(]+\s*(\([^)]*\))?\s*FROM)\b"
)

# File, what it writes, and the table that this is: none of them is managed by people.
ASIDE = {
    # What files said last of values that people set.
    ("layers/hand_edits.py", "_EDIT"): "hand_edit",
    ("importers/edits.py", "_EDIT"): "hand_edit",
    # Derived from rows and readings.
    ("layers/search_entries.py", "ENTRY"): "search_entry",
    ("layers/search_entries.py", "ENTRY.name"): "search_entry",
    ("layers/meter_events.py", "table"): "meter_event",
    # The record of imports, and what could not be loaded.
    ("importers/batches.py", "table_of(ImportBatch)"): "import_batch",
    ("importers/batches.py", "table_of(ImportIssue)"): "import_issue",
    ("importers/batches.py", "table_of(Quarantine)"): "quarantine",
    ("importers/batches.py", "row"): "quarantine",
    # Forgetting history and log; what is there now is not touched.
    ("layers/pruning.py", "start"): "record_start",
    ("layers/pruning.py", "table"): "change, change_set and the histories",
    # Traces: what is noted, what is sealed, and what was kept long enough.
    ("layers/audit/noting.py", "WAITING"): "audit_waiting",
    ("api/traces.py", "WAITING"): "audit_waiting",
    ("layers/audit/sealing.py", "WAITING"): "audit_waiting",
    ("layers/audit/sealing.py", "RECORD"): "audit_record",
    ("layers/audit/sealing.py", "SEAL"): "audit_seal",
    ("layers/audit/pruning.py", "RECORD"): "audit_record",
    ("layers/audit/pruning.py", "SEAL"): "audit_seal",
    # Who asked for which job, and how far it is.
    ("layers/jobs.py", "JOB"): "job",
    # Who may come in, and which database is the demo's.
    ("layers/administering.py", "ACCOUNT"): "account",
    ("layers/granting.py", "GRANT"): "role_grant",
    ("layers/credentials.py", "SESSION"): "sign_in_session",
    ("layers/credentials.py", "TOKEN"): "api_token",
    ("layers/externals.py", "ACCOUNT"): "account",
    ("layers/externals.py", "GRANT"): "role_grant",
    ("layers/externals.py", "table_of(Account)"): "account",
    ("layers/signing_in.py", "ACCOUNT"): "account",
    ("layers/signing_in.py", "FAILURE"): "sign_in_failure",
    ("layers/signing_in.py", "FORMER"): "former_password",
    ("layers/signing_in.py", "SESSION"): "sign_in_session",
    ("api/callers.py", "table"): "sign_in_session and api_token",
    ("api/routes/me.py", "ACCOUNT"): "account",
    ("api/routes/sign_in.py", "session"): "sign_in_session",
    ("onemap/demo/accounts.py", "ACCOUNT"): "account",
    ("onemap/tokens.py", "TOKEN"): "api_token",
    ("onemap/demo/mark.py", "META"): "meta",
}
# The triggers of history, log and traces, the queue's own functions, what is counted of requests
# (in SQLite), the COPY that `copy_rows` composes, and the number from which a restored estate
# counts its transactions (the table meta).
TEXTS_ASIDE = {
    "api/rates.py",  # counts requests in a file of its own
    "layers/sql/history.sql",
    "layers/sql/history_0002.sql",
    "layers/sql/audit.sql",
    "layers/sql/queue.sql",
    "layers/copy.py",
    "onemap/backup/restoring.py",
}


def sources(ending: str) -> list[tuple[str, str]]:
    found = [
        (str(path.relative_to(HOUSE)), path.read_text(encoding="utf-8"))
        for part in PARTS
        for path in sorted((HOUSE / part).rglob(f"*{ending}"))
    ]
    apart = ("layers/changes/", "layers/migrations/")
    return [(name, text) for name, text in found if not name.startswith(apart)]


def written(call: ast.Call) -> str | None:
    """Return what a call writes, None where it is no statement that writes."""
    match call.func:
        case ast.Name(id=name) if name in WRITES:
            return ast.unparse(call.args[0])
        case ast.Name(id="copy_rows"):
            return ast.unparse(call.args[1])
        case ast.Attribute(value=ast.Name(id="sa" | "sqlalchemy" | "postgresql"), attr=name) if (
            name in WRITES
        ):
            return ast.unparse(call.args[0])
        case ast.Attribute(value=of, attr=name) if name in WRITES and not call.args:
            return ast.unparse(of)  # a table's own method takes nothing; a dict's or list's does
        case _:
            return None


def test_a_tracked_table_is_written_by_change_sets_alone() -> None:
    found = {
        (name, what)
        for name, text in sources(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and (what := written(node)) is not None
    }
    assert found == set(ASIDE)
    assert not {table.name for table in tracked_tables()} & set(ASIDE.values())


def test_no_text_of_sql_writes_but_the_triggers() -> None:
    found = {name for name, text in sources(".sql") if IN_TEXT.search(text)}
    for name, text in sources(".py"):
        for node in ast.walk(ast.parse(text)):
            text_of_it = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text_of_it, str) and IN_TEXT.search(text_of_it):
                found.add(name)
    assert found == TEXTS_ASIDE
