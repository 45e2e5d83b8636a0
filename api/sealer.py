"""The one who seals what is recorded: of all processes and hosts the one that holds the lock.

It looks a few times a second whether anything waits, which is one small question, and seals it. The
others ask for the lock every second and take over when its connection ends, however it does.
"""

from __future__ import annotations

import logging
import threading
import time

import sqlalchemy as sa

from layers import db
from layers.audit.keys import Trail
from layers.audit.sealing import seal, try_lock, waits

log = logging.getLogger("onemap.sealer")

LOOK_S = 0.3
STANDBY_S = 1.0
PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
WARN_S = 60.0
_KEEPALIVE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
"""A host that is gone without a word holds the lock for half a minute, and not for two hours."""


class Sealer:
    """Seals for as long as it holds the lock, in a thread of its own.

    Parameters
    ----------
    url : of the role that moves what waits.

    Attributes
    ----------
    seals : whether this is the one.
    """

    def __init__(self, url: str, trail: Trail) -> None:
        self.seals = False
        self._warned = -WARN_S
        self._trail = trail
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._engine = db.engine(
            url,
            poolclass=sa.NullPool,
            connect_args={
                "application_name": "onemap-sealer",
                "connect_timeout": 10,
                "options": f"-c jit=off {_KEEPALIVE}",
            },
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Seal what still waits and end."""
        self._ended.set()
        self._thread.join(10)
        self._engine.dispose()

    def _run(self) -> None:
        pause = PAUSE_S
        while True:
            try:
                self._hold()
            except (sa.exc.SQLAlchemyError, OSError, ValueError) as failed:
                self._warn(failed)
                pause = PAUSE_S
            # Whatever it is: a thread that ended would leave all that follows unsealed. But what
            # nobody foresaw is tried ever less often.
            except Exception as failed:  # noqa: BLE001
                self._warn(failed, unforeseen=True)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            finally:
                self.seals = False
            if self._ended.wait(pause):
                return

    def _warn(self, failed: Exception, *, unforeseen: bool = False) -> None:
        """Say once a minute that nothing is sealed, and why."""
        if not self._ended.is_set() and time.monotonic() - self._warned > WARN_S:
            self._warned = time.monotonic()
            log.warning(
                "what is recorded cannot be sealed for now: %s", failed,
                exc_info=failed if unforeseen else None,
            )  # fmt: skip

    def _hold(self) -> None:
        """Wait for the lock, and seal until the end."""
        with self._engine.connect() as connection:
            while not (self.seals or self._ended.is_set()):
                self.seals = try_lock(connection)
                connection.commit()
                if not self.seals:
                    self._ended.wait(STANDBY_S)
            while self.seals:
                ending = self._ended.is_set()
                if not self._sealed(connection):
                    if ending:
                        return
                    self._ended.wait(LOOK_S)

    def _sealed(self, connection: sa.Connection) -> bool:
        """Seal a batch of what waits; False where nothing does."""
        if not waits(connection):
            connection.rollback()
            return False
        head = self._trail.head
        done = seal(connection, self._trail.keys, head)
        connection.commit()
        if done is None:
            return False
        if done.cut is not None:
            log.error(
                "records were cut off: batch %d had been sealed and is no longer there; "
                "run onemap audit verify", done.cut.batch,
            )  # fmt: skip
        if head is not None:
            head.advance(done.reached, done.cut)
        return True
