"""A bare Debian 12 of its own: a fresh tree, its own processes, and no network but itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BASE = Path(os.environ.get("ONEMAP_TEST_DEBIAN", "/var/tmp/onemap-bundle-base/bookworm"))
"""The tree as debootstrap makes it, kept from one run to the next."""

_HOLD = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for name in null zero full random urandom tty; do
    touch "$1/dev/$name"
    mount --bind "/dev/$name" "$1/dev/$name"
done
mkdir -m 1777 "$1/dev/shm"
ln -s /proc/self/fd "$1/dev/fd"
ip link set lo up
exec chroot "$1" /bin/sh -c 'touch /run/held; exec sleep infinity'
"""


@dataclass(frozen=True)
class Fresh:
    """A running tree.

    Attributes
    ----------
    root : its folder.
    holder : the process whose namespaces are its.
    """

    root: Path
    holder: int

    def command(self, *words: str) -> list[str]:
        """Return the command that runs another inside."""
        within = ["nsenter", "--target", str(self.holder), "--mount", "--net", "--pid"]
        return [*within, "chroot", str(self.root), "/usr/bin/env", "-i", "HOME=/root",
                "LANG=C.UTF-8", "TERM=dumb",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                *words]  # fmt: skip

    def run(self, *words: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=timeout_s
        )

    def on_its_network(self, *words: str) -> list[str]:
        """Return the command that runs a program of this machine on the network inside."""
        return ["nsenter", "--target", str(self.holder), "--net", *words]


def base() -> Path:
    """Return the tree that debootstrap makes, by the sources of this machine's apt."""
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
    """Hold a fresh tree below `folder`; its processes and its files go at the end."""
    root = folder / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", str(base()), str(root)], check=True)
    # Nothing there may name where packages are had.
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    for folder in ("var/lib/apt/lists", "var/cache/apt"):
        shutil.rmtree(root / folder)
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
         "bash", "-c", _HOLD, "hold", str(root)],
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while not (root / "run/held").exists():
            assert holder.poll() is None, "the namespaces could not be made"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        yield Fresh(root, int(children[0]))
    finally:
        # The first process of the namespace takes all others with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        shutil.rmtree(root, ignore_errors=False)
