"""The worker: takes jobs from the queue and has a process of its own do each.

A process can be ended at any moment, whatever it computes: so a job is cancelled within seconds,
one that eats up the memory takes nothing else with it, and the worker's heartbeat never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import procrastinate
import sqlalchemy as sa
from procrastinate import exceptions as queue_exceptions
from procrastinate.job_context import AbortReason
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from layers import db, jobs
from layers.jobs import QUEUE, SCHEMA, TASK
from onemap.jobs import files
from onemap.settings import Settings

AT_ONCE = 2
"""Jobs at the same time: a report need not wait for an import."""
HEARTBEAT_S = 2.5
SILENT_S = 10.0
"""A worker not heard from for so long has ended; its jobs are taken up by another."""
LOOK_S = 2.5
SWEEP_S = 3600.0
AGAIN = 75
"""The status of a process whose job is to be tried again: the database went away."""
AGAIN_S = 5.0

log = logging.getLogger("onemap.jobs")


class PutBack(Exception):
    """A job is to be done anew, by this worker or another."""

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__("put back")
        self.wait_s = wait_s


class _WhenPutBack(BaseRetryStrategy):
    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> RetryDecision | None:
        del job
        if isinstance(exception, PutBack):
            return RetryDecision(retry_in={"seconds": int(exception.wait_s)})
        return None


class Worker:
    """One worker over one database.

    Parameters
    ----------
    handed : what a process that does a job is told (`onemap.handing.handed_on`), and the owner's
        address.
    """

    def __init__(self, settings: Settings, owner_url: str, handed: dict[str, Any]) -> None:
        self._settings = settings
        self._handed = {**handed, "owner_url": owner_url}
        self._engine = db.engine(owner_url, pool_size=2, pool_pre_ping=True)
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=owner_url,
                min_size=1,
                max_size=4,
                kwargs={
                    "options": f"-c search_path={SCHEMA}",
                    "application_name": "onemap-worker",
                },
            )
        )
        self._app.task(name=TASK, queue=QUEUE, pass_context=True, retry=_WhenPutBack())(self._work)

    async def run(self) -> None:
        """Work until told to end (SIGTERM, SIGINT) or until the database is lost."""
        async with self._app.open_async():
            looking = asyncio.create_task(self._look_after())
            try:
                await self._app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=AT_ONCE,
                    fetch_job_polling_interval=LOOK_S,
                    abort_job_polling_interval=2.0,
                    shutdown_graceful_timeout=self._settings.stop_seconds,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=SILENT_S,
                    delete_jobs="always",
                )
            finally:
                looking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await looking
                self._engine.dispose()

    async def _work(self, context: procrastinate.JobContext, job: int) -> None:
        """Have a process do a job; what it says of it is in the database when it ends."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "onemap.jobs.child",
            stdin=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        try:
            process.stdin.write(
                json.dumps({**self._handed, "job": job, "parent": os.getpid()}).encode()
            )
            process.stdin.write_eof()
            status = await process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(_ended(process))
            if context.abort_reason() is AbortReason.SHUTDOWN:
                await asyncio.shield(self._write(jobs.put_back, job))
                raise PutBack from None
            await asyncio.shield(self._write(jobs.cancelled, job))
            await asyncio.shield(self._tidy(job))
            raise queue_exceptions.JobAborted from None
        if status != 0:
            log.error("job %d: its process ended with status %d; it is tried again", job, status)
            await self._write(jobs.put_back, job)
            raise PutBack(AGAIN_S if status == AGAIN else 1.0)
        await self._tidy(job)

    async def _write(self, act: Callable[..., Any], *given: Any) -> Any:
        def written() -> Any:
            with self._engine.begin() as connection:
                return act(connection, *given)

        return await asyncio.to_thread(written)

    async def _tidy(self, job: int) -> None:
        """Remove the files of a job that nobody needs any more."""
        row = await self._write(lambda connection: connection.execute(jobs.one(job)).first())
        if row is not None:
            await asyncio.to_thread(files.after, self._settings.data_dir, row)

    async def _look_after(self) -> None:
        """Give back to the queue what workers that have fallen silent had taken, and sweep."""
        swept = -SWEEP_S
        while True:
            try:
                await self._take_back()
                if time.monotonic() - swept > SWEEP_S:
                    swept = time.monotonic()
                    await self._sweep()
            except (queue_exceptions.ConnectorException, sa.exc.DBAPIError, OSError) as failed:
                log.warning("looking after the jobs: %s", failed)
            await asyncio.sleep(LOOK_S)

    async def _sweep(self) -> None:
        """Remove the files that are no longer kept, and from the queue what nobody will do."""
        data_dir, days = self._settings.data_dir, self._settings.keep_files_days
        await self._write(lambda connection: files.sweep(connection, data_dir, days))
        await self._app.job_manager.delete_old_jobs(
            nb_hours=1, queue=QUEUE, include_failed=True, include_cancelled=True,
            include_aborted=True,
        )  # fmt: skip

    async def _take_back(self) -> None:
        manager = self._app.job_manager
        for stalled in await manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=SILENT_S
        ):
            assert stalled.id is not None
            job = int(str(stalled.task_kwargs["job"]))
            log.warning("job %d: its worker has fallen silent; it is taken up again", job)
            await self._write(jobs.put_back, job)
            await manager.retry_job_by_id_async(stalled.id, datetime.now(UTC))


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a process for good: what it had not committed the database takes back."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
