"""Traces: what was done, read, refused and changed here, by whom; kept so that no one can alter it.

Whoever acts writes into `audit_waiting` and can do nothing else there. One sealer of all processes
moves what waits into `audit_record`: numbered without a gap, each record under a code of its own
(HMAC-SHA256 with a key that no database knows) and each batch under one that reaches back over all
before it. So a record that was changed, removed, added or moved is found, and where.
"""

from layers.audit.noting import ORIGIN, Origin, note
from layers.audit.tables import (
    RECORD,
    SEAL,
    TABLES,
    WAITING,
    AuditRecord,
    AuditSeal,
    AuditWaiting,
    Kind,
)

__all__ = [
    "ORIGIN",
    "RECORD",
    "SEAL",
    "TABLES",
    "WAITING",
    "AuditRecord",
    "AuditSeal",
    "AuditWaiting",
    "Kind",
    "Origin",
    "note",
]
