"""The worker that a service runs by itself: one for all its serving processes, beside them."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading

from onemap.settings import Settings

LONGEST_PAUSE_S = 30.0
_GRACE_S = 15.0

log = logging.getLogger("onemap.jobs")


class Hosted:
    """Keeps a worker running; one that ends is started again.

    It is a process of its own, for it has the owner's address, which whatever answers requests
    does without.
    """

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings, self._demo = settings, demo
        # As it is now: what serves does without the owner's address later on.
        self._environment = os.environ | {"ONEMAP_DATA_DIR": str(settings.data_dir)}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the worker: it finishes its jobs in the time that is set, or puts them back."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        pause = 1.0
        while not self._ended.is_set():
            command = [sys.executable, "-m", "onemap", "worker", "--under", str(os.getpid())]
            waited = 0.0
            try:
                with subprocess.Popen(
                    [*command, "--demo"] if self._demo else command,
                    env=self._environment,
                    stdin=subprocess.DEVNULL, start_new_session=True,
                ) as running:  # fmt: skip
                    while running.poll() is None and not self._ended.wait(0.2):
                        waited += 0.2
                    if running.poll() is None:
                        self._end(running)
                        return
                told = f"ended (status {running.returncode})"
            except OSError as failed:  # no memory, or too many processes, for now
                told = f"cannot be started ({failed})"
            pause = 1.0 if waited > LONGEST_PAUSE_S else min(2 * pause, LONGEST_PAUSE_S)
            log.error("the worker %s; it is started again", told)
            self._ended.wait(pause / 2)

    def _end(self, running: subprocess.Popen[bytes]) -> None:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(self._settings.stop_seconds + _GRACE_S)
        except subprocess.TimeoutExpired:
            running.kill()
