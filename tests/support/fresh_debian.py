"""A bare Debian 12 of its own: a fresh tree, booted, with no network but itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BASE = Path(os.environ.get("ONEMAP_TEST_DEBIAN", "/var/tmp/onemap-bundle-base/bookworm"))
"""The tree as debootstrap makes it, kept from one run to the next."""
NOT_THERE = ("gcc", "cc", "c++", "make", "node", "npm", "git", "psql", "pip", "pip3")
"""What a bare Debian lacks, and a build would want."""

_BOOT = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
for place in dev run; do mount -t tmpfs -o mode=755 tmpfs "$1/$place"; done
for name in null zero full random urandom tty; do
    touch "$1/dev/$name"
    mount --bind "/dev/$name" "$1/dev/$name"
done
mkdir -m 1777 "$1/dev/shm"
# systemd gives each service devices of its own, and takes these over.
mkdir "$1/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s /proc/self/fd "$1/dev/fd"
ip link set lo up
cd "$1"
mkdir .before
pivot_root . .before
umount -l .before
rmdir .before
exec env -i container=test /lib/systemd/systemd --system --log-target=null
"""


@dataclass(frozen=True)
class Fresh:
    """A running tree.

    Attributes
    ----------
    root : its folder.
    init : the process whose namespaces are its.
    """

    root: Path
    init: int

    def command(self, *words: str) -> list[str]:
        """Return the command that runs another inside."""
        return ["nsenter", "--target", str(self.init), "--all", "/usr/bin/env", "-i", "HOME=/root",
                "LANG=C.UTF-8", "TERM=dumb",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                *words]  # fmt: skip

    def run(self, *words: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=timeout_s
        )

    def says(self, *words: str, timeout_s: float = 600) -> str:
        """Return what a command says that must succeed."""
        ended = self.run(*words, timeout_s=timeout_s)
        assert ended.returncode == 0, f"{words}: {(ended.stdout + ended.stderr)[-2000:]}"
        return ended.stdout.strip()

    def on_its_network(self, *words: str) -> list[str]:
        """Return the command that runs a program of this machine on the network inside."""
        return ["nsenter", "--target", str(self.init), "--net", *words]


def base() -> Path:
    """Return the tree that debootstrap makes from its usual place."""
    if (BASE / "etc/debian_version").exists():
        return BASE
    half = BASE.with_name(BASE.name + ".tmp")
    shutil.rmtree(half, ignore_errors=True)
    half.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["debootstrap", "bookworm", str(half)], check=True, capture_output=True)
    half.rename(BASE)
    return BASE


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[Fresh]:
    """Hold a fresh tree below `folder`, booted; its processes and its files go at the end."""
    root = folder / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", str(base()), str(root)], check=True)
    # Nothing there may name where packages are had, or hold one.
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    for held in ("var/lib/apt/lists", "var/cache/apt"):
        shutil.rmtree(root / held)
    group = _group()
    outer = subprocess.Popen(
        ["bash", "-c", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', "boot", str(group),
         "unshare", "--net", "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--fork",
         "--kill-child", "bash", "-c", _BOOT, "boot", str(root)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield _booted(Fresh(root, _child(outer)))
    finally:
        # Its first process takes all others of the namespace with it.
        outer.kill()
        outer.wait()
        _removed(group)
        shutil.rmtree(root)


def _group() -> Path:
    """Make a control group, in which the tree's own systemd is master."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    (place, *_) = [Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2"]
    group = place / f"onemap-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    return group


def _removed(group: Path) -> None:
    """Remove it with those below it, once the last process is gone."""
    deadline = time.monotonic() + 20
    while (group / "cgroup.procs").exists():
        for each in sorted(group.rglob("*"), key=lambda path: -len(path.parts)):
            if each.is_dir():
                with contextlib.suppress(OSError):
                    each.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _child(outer: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert outer.poll() is None, "the namespaces could not be made"
        found = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        if found and Path(f"/proc/{found[0]}/comm").read_text().strip() == "systemd":
            return int(found[0])
        time.sleep(0.1)
    raise AssertionError("the tree did not boot")


def _booted(tree: Fresh) -> Fresh:
    deadline = time.monotonic() + 60
    told = ""
    while told not in {"running", "degraded"}:  # a console is not there, and misses
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
        told = tree.run("systemctl", "is-system-running").stdout.strip()
    return tree
