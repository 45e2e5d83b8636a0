"""The private PostgreSQL cluster that onemap makes and owns: unix socket only, no TCP.

Several commands may use it at once. The first starts it, the others attach, the last stops it.
One that runs beside a service, and must not take the database with it, only ever attaches.
After a crash or a kill the next start attaches to what still runs, or clears what is left.
While it is used it is watched, and started again when it has ended by itself.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg

from onemap import postgres
from onemap.trouble import ExitCode, Trouble

SUPERUSER = "postgres"
PORT = 5432  # only part of the socket's name
SOCKET_LIMIT_BYTES = 107
START_TIMEOUT_S = 60.0
LOG_LIMIT_BYTES = 10_000_000
WATCH_S = 1.0
RETRY_S = 5.0

logger = logging.getLogger(__name__)

TUNING = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_locks_per_transaction": "256",
}
"""For a small machine. Many partitions in one transaction need many locks."""

UNSAFE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "off",
    "max_wal_size": "512MB",
}
"""For tests: quick, and lost with the machine."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes
    ----------
    data : Path
        PostgreSQL's data directory.
    socket_dir : Path
        Folder of the unix socket; nobody but the server's user and root can enter it.
    """

    data: Path
    socket_dir: Path

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """Return the libpq address of a database for a role."""
        query = urlencode({"host": str(self.socket_dir), "port": PORT})
        return f"postgresql://{quote(role)}@/{quote(database)}?{query}"


@contextlib.contextmanager
def running(data_dir: Path, *, unsafe: bool = False) -> Iterator[Cluster]:
    """Run the cluster of `data_dir` while the block runs, or share one that runs already.

    Parameters
    ----------
    data_dir : Path
        onemap's data folder; the cluster is made below it when there is none.
    unsafe : bool
        Trade safety for speed (tests).
    """
    cluster = start(data_dir, unsafe=unsafe)
    with (data_dir / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        # Between start and lock the last other user may have stopped it.
        if not _answers(cluster):
            cluster = start(data_dir, unsafe=unsafe)
        over = threading.Event()
        watch = threading.Thread(
            target=_watch, args=(cluster, data_dir, over), kwargs={"unsafe": unsafe}, daemon=True
        )
        watch.start()
        try:
            yield cluster
        finally:
            over.set()
            watch.join()
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still uses it, and will stop it
            else:
                stop(data_dir)


def is_made(data_dir: Path) -> bool:
    """Whether there is a cluster below `data_dir`, running or not."""
    with _storage_trouble(data_dir):
        return (data_dir / "postgres" / "PG_VERSION").exists()


def attached(data_dir: Path, wait_s: float = 0) -> Cluster:
    """Return the cluster that somebody else runs below `data_dir`; it is neither started nor held.

    Whoever starts a server has it among his own processes, and it goes when those are ended.

    Parameters
    ----------
    wait_s : how long to wait for one that does not run yet, in seconds.

    Raises
    ------
    Trouble : none runs there.
    """
    user = postgres.server_user()
    with _storage_trouble(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        cluster = Cluster(data_dir / "postgres", _socket_dir(data_dir, user))
    deadline = time.monotonic() + wait_s
    while not _answers(cluster):
        if time.monotonic() >= deadline:
            raise Trouble(
                ExitCode.DATABASE,
                f"{data_dir} 的私有数据库没有运行；它由服务启动。请先启动服务"
                "（sudo systemctl start onemap 或 onemap serve）。",
                f"The private database of {data_dir} does not run; the service starts it. Start "
                "the service first (sudo systemctl start onemap, or onemap serve).",
            )
        time.sleep(0.2)
    return cluster


def start(data_dir: Path, *, unsafe: bool = False) -> Cluster:
    """Start the cluster below `data_dir`, make it when there is none, attach when it runs.

    Raises
    ------
    Trouble
        No permission, no space, PostgreSQL missing, or a server that does not come up.
    """
    user = postgres.server_user()
    with _storage_trouble(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        with _locked(data_dir):
            data = data_dir / "postgres"
            cluster = Cluster(data, _socket_dir(data_dir, user))
            if not (data / "PG_VERSION").exists():
                _make(data_dir, data, user)
            elif _answers(cluster):
                return cluster
            _clear_leftovers(cluster)
            _configure(cluster, user, unsafe=unsafe)
            _launch(cluster, data_dir / "postgres.log", user)
            return cluster


def _watch(cluster: Cluster, data_dir: Path, over: threading.Event, *, unsafe: bool) -> None:
    """Start the server again when it has ended while somebody uses it.

    Whoever uses it holds the lock that `running` takes, so nobody has stopped it: it was killed,
    or gave up for want of space. It recovers from its log, and those connected connect anew.
    """
    while not over.wait(WATCH_S):
        if _lives(cluster):
            continue
        logger.warning("the private database has ended; it is started again")
        try:
            start(data_dir, unsafe=unsafe)
        except (Trouble, OSError) as still:
            logger.error("the private database does not start, trying again: %s", still)
            over.wait(RETRY_S)
        else:
            logger.warning("the private database runs again")


def _lives(cluster: Cluster) -> bool:
    """Whether the server's first process is there; far cheaper than asking it something."""
    try:
        process = (cluster.data / "postmaster.pid").read_text().split(maxsplit=1)[0]
        return (Path("/proc") / process / "cwd").resolve() == cluster.data.resolve()
    except (OSError, IndexError):
        return False


def stop(data_dir: Path) -> None:
    """Stop the cluster below `data_dir` and wait until it has ended; nothing when none runs."""
    data = data_dir / "postgres"
    if not (data / "PG_VERSION").exists():
        return
    user = postgres.server_user()
    with _locked(data_dir):
        if not (data / "postmaster.pid").exists() or not postgres.processes_in(data):
            return
        programs = postgres.choose(_version(data))
        ended = postgres.run(
            user, programs.path("pg_ctl"), "-D", str(data), "-m", "fast", "-w", "-t", "60", "stop"
        )
        if ended.returncode != 0 and postgres.processes_in(data):
            raise Trouble(
                ExitCode.DATABASE,
                f"私有数据库未能停止：{ended.stdout.strip()}",
                f"The private database did not stop: {ended.stdout.strip()}",
            )


def _version(data: Path) -> int:
    return int((data / "PG_VERSION").read_text().strip())


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    with (data_dir / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _socket_dir(data_dir: Path, user: postgres.User) -> Path:
    """Return a folder for the socket that only the server's user can enter."""
    near = data_dir / "run"
    if len(os.fsencode(near / f".s.PGSQL.{PORT}")) > SOCKET_LIMIT_BYTES:
        name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
        near = Path(tempfile.gettempdir()) / f"onemap-{user.uid}-{name}"
        if len(os.fsencode(near / f".s.PGSQL.{PORT}")) > SOCKET_LIMIT_BYTES:
            near = Path("/tmp") / near.name  # noqa: S108  # nosec B108 # checked below
    try:
        near.mkdir(mode=0o700)
        os.chown(near, user.uid, user.gid)
    except FileExistsError:
        pass
    found = near.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or found.st_mode & 0o077:
        raise Trouble(
            ExitCode.STORAGE,
            f"套接字目录 {near} 不属于用户 {user.name} 或他人可入。请移走它。",
            f"The socket folder {near} is not {user.name}'s own, or open to others. Move it away.",
        )
    return near


def _make(data_dir: Path, data: Path, user: postgres.User) -> None:
    """Run initdb in a folder beside, then rename: a half-made cluster is never taken for one."""
    programs = postgres.choose()
    half = data_dir / "postgres.tmp"
    if half.exists():
        shutil.rmtree(half)
    half.mkdir(mode=0o700)
    os.chown(half, user.uid, user.gid)
    if postgres.run(user, "test", "-w", str(half)).returncode != 0:
        raise Trouble(
            ExitCode.STORAGE,
            f"用户 {user.name} 无法进入 {data_dir}。请用 ONEMAP_DATA_DIR 另选目录"
            "（例如 /var/lib/onemap）。",
            f"The user {user.name} cannot enter {data_dir}. Choose another folder with "
            "ONEMAP_DATA_DIR, for example /var/lib/onemap.",
        )
    made = postgres.run(
        user, programs.path("initdb"), "-D", str(half), "-U", SUPERUSER, "-A", "trust",
        "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync",
    )  # fmt: skip
    if made.returncode != 0:
        raise _server_trouble("initdb", made.stdout)
    with (half / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude_if_exists = 'onemap.conf'\n")
    os.sync()
    half.rename(data)


def _configure(cluster: Cluster, user: postgres.User, *, unsafe: bool) -> None:
    values = TUNING | (UNSAFE if unsafe else {}) | {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(cluster.socket_dir),
        "unix_socket_permissions": "0700",
    }  # fmt: skip
    lines = [
        f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in values.items()
    ]
    path = cluster.data / "onemap.conf"
    path.write_text("# Written at each start.\n" + "".join(lines), encoding="utf-8")
    os.chown(path, user.uid, user.gid)


def _clear_leftovers(cluster: Cluster) -> None:
    """Remove what a killed server left, once nothing lives in its folder any more."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while postgres.processes_in(cluster.data):
        # A server that is starting, recovering or stopping.
        if time.monotonic() > deadline:
            raise _server_trouble("postgres", "an old server neither answers nor ends")
        time.sleep(0.1)
        if _answers(cluster):
            return
    socket = cluster.socket_dir / f".s.PGSQL.{PORT}"
    for path in (cluster.data / "postmaster.pid", socket, socket.with_name(socket.name + ".lock")):
        path.unlink(missing_ok=True)


def _launch(cluster: Cluster, log: Path, user: postgres.User) -> None:
    if _answers(cluster):
        return
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.old"))
    log.touch(mode=0o640)
    os.chown(log, user.uid, user.gid)
    programs = postgres.choose(_version(cluster.data))
    postgres.run(
        user, programs.path("pg_ctl"), "-D", str(cluster.data), "-l", str(log),
        "-W", "start",
    )  # fmt: skip
    deadline = time.monotonic() + START_TIMEOUT_S
    patience = time.monotonic() + 2
    while not _answers(cluster):
        # pg_ctl's word is not enough: only an answer over SQL counts.
        now = time.monotonic()
        if now > deadline or (now > patience and not postgres.processes_in(cluster.data)):
            raise _server_trouble("postgres", _tail(log))
        time.sleep(0.02)


def _answers(cluster: Cluster) -> bool:
    """Whether a server answers on the socket and says that it serves this very folder."""
    if not (cluster.socket_dir / f".s.PGSQL.{PORT}").exists():
        return False
    try:
        with psycopg.connect(cluster.url("postgres"), connect_timeout=5, autocommit=True) as link:
            row = link.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and os.path.realpath(row[0]) == os.path.realpath(cluster.data)


def _tail(log: Path, lines: int = 15) -> str:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError as unreadable:
        return str(unreadable)
    return "\n".join(text.splitlines()[-lines:])


def _server_trouble(program: str, output: str) -> Trouble:
    output = output.strip()
    if "No space left on device" in output:
        return _no_space(output)
    return Trouble(
        ExitCode.DATABASE,
        f"私有数据库未能启动（{program}）。其日志末尾：\n{output}",
        f"The private database did not start ({program}). The end of its log:\n{output}",
    )


def _no_space(where: object) -> Trouble:
    return Trouble(
        ExitCode.STORAGE,
        f"磁盘已满：{where}。请腾出空间，或用 ONEMAP_DATA_DIR 另选目录。",
        f"No space left on the disk: {where}. Make room, or choose another folder with "
        "ONEMAP_DATA_DIR.",
    )


@contextlib.contextmanager
def _storage_trouble(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        if failure.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _no_space(data_dir) from failure
        if failure.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            raise Trouble(
                ExitCode.STORAGE,
                f"无法写入数据目录 {data_dir}：{failure.strerror}。"
                "请修改其权限，或用 ONEMAP_DATA_DIR 另选目录。",
                f"The data folder {data_dir} cannot be written: {failure.strerror}. Change its "
                "permissions, or choose another with ONEMAP_DATA_DIR.",
            ) from failure
        raise
