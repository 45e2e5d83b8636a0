"""How whatever changes the database is committed: the change first, then the tick, then the word.

Every writer goes through here (imports, edits, tokens, commands), so that nobody on this host is
served what was before once the writer has been told that it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from layers.ticks import Ticks


@contextmanager
def committing(engine: sa.Engine, ticks: Ticks | None = None) -> Iterator[sa.Connection]:
    """Hold one transaction; it is committed and the counter raised when the block ends well.

    Parameters
    ----------
    ticks : the counter of the host's processes; None where nobody is served from memory.
    """
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        except BaseException:
            transaction.rollback()
            raise
        try:
            if transaction.is_active:  # the block may have taken everything back
                transaction.commit()
        finally:
            # Also when the connection broke in the commit: nobody knows then whether it happened.
            if ticks is not None:
                ticks.tick()
