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
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import procrastinate
import sqlalchemy as sa
from procrastinate import exceptions as queue_exceptions
from procrastinate.job_context import AbortReason
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from layers import db, job_queue, jobs
from layers.job_queue import QUEUE, SCHEMA, TASK, Hold
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
SUPERSEDED = 76
"""The status of a process whose job was cancelled, or is another's by now."""
PATIENCE_S = 30.0
"""So long is waited for a database that starts again, as the library waits for a connection."""
_TRY_S = 0.5

log = logging.getLogger("onemap.jobs")


class PutBack(Exception):
    """A job is to be done anew, by this worker or another."""

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__("put back")
        self.wait_s = wait_s


class _Held(JobManager):
    """Ends and gives back what the worker still holds: the library would do so with another's."""

    def __init__(
        self, connector: procrastinate.BaseConnector, written: Callable[..., Awaitable[Any]]
    ) -> None:
        super().__init__(connector)
        self._written = written

    async def finish_job(
        self, job: procrastinate.jobs.Job, status: procrastinate.jobs.Status, delete_job: bool
    ) -> None:
        del status, delete_job  # what becomes of a job stands in its row; the entry is removed
        await self._written(job_queue.end, Hold.of(job))

    async def retry_job(
        self,
        job: procrastinate.jobs.Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        del priority, queue, lock
        await self._written(job_queue.give_back, Hold.of(job), retry_at or datetime.now(UTC))


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
        self._app.job_manager = _Held(self._app.connector, self._write)
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
        """Do a job; whatever goes wrong with that, it is done anew.

        The library takes any other exception for the end of the job and forgets it.
        """
        beating = asyncio.create_task(self._beat(context.job.worker_id))
        try:
            await self._done(context, job)
        except (PutBack, queue_exceptions.JobAborted):
            raise
        except asyncio.CancelledError:
            raise PutBack from None  # told to end while it wrote down how the process had ended
        except Exception as failed:
            log.warning("job %d: %s; it is tried again", job, failed)
            raise PutBack(AGAIN_S) from failed
        finally:
            beating.cancel()

    async def _beat(self, worker: int | None) -> None:
        """Be heard from while a job is done: the library falls silent as soon as it is to end."""
        while worker is not None:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                await self._app.job_manager.update_heartbeat(worker)
            except queue_exceptions.ConnectorException as lost:
                log.warning("the worker could not be heard: %s", lost.__cause__ or lost)

    async def _done(self, context: procrastinate.JobContext, job: int) -> None:
        """Have a process do a job; what it says of it is in the database when it ends."""
        attempt = await self._write(jobs.begin, job, Hold.of(context.job))
        if attempt is None:
            await self._tidy(job)
            return
        # What was not begun in earnest, or ends because it is told to, is no fault of the job.
        spared = partial(jobs.put_back, counts=False)
        try:
            process = await self._started(job, attempt)
        except OSError:
            await self._write(spared, job, attempt)
            raise
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(_ended(process))
            if context.abort_reason() is AbortReason.SHUTDOWN:
                await asyncio.shield(self._write(spared, job, attempt))
                raise PutBack from None
            await asyncio.shield(self._cancelled(job, attempt))
            raise queue_exceptions.JobAborted from None
        if status == SUPERSEDED:
            await self._cancelled(job, attempt)
        elif status != 0:
            log.error("job %d: its process ended with status %d; it is tried again", job, status)
            await self._write(jobs.put_back, job, attempt)
            raise PutBack(AGAIN_S if status == AGAIN else 1.0)
        else:
            await self._tidy(job)

    async def _started(self, job: int, attempt: int) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "onemap.jobs.child",
            stdin=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        told = {**self._handed, "job": job, "attempt": attempt, "parent": os.getpid()}
        process.stdin.write(json.dumps(told).encode())
        process.stdin.write_eof()
        return process

    async def _cancelled(self, job: int, attempt: int) -> None:
        if await self._write(jobs.cancelled, job, attempt):
            await self._tidy(job)

    async def _write(self, act: Callable[..., Any], *given: Any) -> Any:
        """Do something in a transaction of its own; a database that starts is waited for."""

        def written() -> Any:
            with self._engine.begin() as connection:
                return act(connection, *given)

        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await asyncio.to_thread(written)
            except (sa.exc.OperationalError, sa.exc.InterfaceError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_TRY_S)

    async def _tidy(self, job: int) -> None:
        """Remove the files of a job that nobody needs any more."""
        row = await self._write(lambda connection: connection.execute(jobs.one(job)).first())
        if row is None:
            return
        try:
            await asyncio.to_thread(files.after, self._settings.data_dir, row)
        except OSError as failed:  # the job has ended all the same; the sweep tries again
            log.warning("job %d: its files could not be removed: %s", job, failed)

    async def _look_after(self) -> None:
        """Give back to the queue what nobody does any more, and sweep."""
        swept = -SWEEP_S
        while True:
            try:
                await self._take_back()
                if time.monotonic() - swept > SWEEP_S:
                    swept = time.monotonic()
                    await self._sweep()
            except (queue_exceptions.ConnectorException, sa.exc.SQLAlchemyError, OSError) as failed:
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
        for stalled in await self._app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=SILENT_S
        ):
            job = int(str(stalled.task_kwargs["job"]))
            if await self._write(jobs.take_back, job, Hold.of(stalled)):
                log.warning("job %d: its worker has fallen silent; it is taken up again", job)
        # A queue that forgot a job (a worker that could not write what became of it) is mended.
        for row in await self._write(lambda connection: connection.execute(jobs.stranded()).all()):
            if await self._write(jobs.queue_again, row.id):
                log.warning("job %d: it was in no queue any more; it is queued again", row.id)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a process for good: what it had not committed the database takes back."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
