"""The Python packages of the lock, as wheels for every machine that is served."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive import sha256
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename
from told import mb, refuse, say

MACHINES = ("x86_64", "aarch64")
PYTHON = (3, 11)
GLIBC = (2, 28)
"""Older than Debian 12's, so that the wheels run on other systems of its time too."""


@dataclass(frozen=True)
class Locked:
    """A package of the lock: what it is called there, and the digests of its files."""

    need: Requirement
    hashes: tuple[str, ...]

    def wanted(self, machine: str) -> bool:
        """Whether it is installed on a machine of that kind."""
        return self.need.marker is None or self.need.marker.evaluate(environment(machine))

    @property
    def version(self) -> str:
        """The version that is pinned."""
        (pin,) = self.need.specifier
        return pin.version


def environment(machine: str) -> dict[str, str]:
    """Return what a marker asks of the target, whatever Python makes the bundle."""
    return {
        "implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
        "platform_machine": machine, "platform_python_implementation": "CPython",
        "platform_release": "", "platform_system": "Linux", "platform_version": "",
        "python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux",
        "extra": "",
    }  # fmt: skip


def locked(lock: Path) -> Iterator[Locked]:
    """Read a lock file, package by package."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        need, *hashes = (part.strip() for part in line.split("--hash="))
        yield Locked(Requirement(need), tuple(hashes))


def platforms(machine: str) -> list[str]:
    """Return the platforms whose wheels run there, the newest first."""
    oldest = 17
    named = [f"manylinux_{GLIBC[0]}_{minor}_{machine}" for minor in range(GLIBC[1], oldest - 1, -1)]
    old = ["manylinux2014"] + (["manylinux2010", "manylinux1"] if machine == "x86_64" else [])
    return named + [f"{name}_{machine}" for name in old] + [f"linux_{machine}"]


def tags(machine: str) -> frozenset[Tag]:
    """Return the tags of the wheels that run there."""
    there = platforms(machine)
    return frozenset((*cpython_tags(PYTHON, platforms=there),
                      *compatible_tags(PYTHON, "cp311", there)))  # fmt: skip


def downloaded(lock: Path, folder: Path) -> list[Path]:
    """Bring the wheels of the lock into `folder`; each is held to a digest of the lock.

    Returns
    -------
    The wheels, by name; what else lay in the folder is removed.

    Raises
    ------
    Refused : a package has no wheel for a machine, or the index does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: set[Path] = set()
    for machine in MACHINES:
        needs = [each for each in locked(lock) if each.wanted(machine)]
        lacking = [each for each in needs if not _there(each, machine, folder)]
        say(f"wheels for {machine}: {len(needs)}, to be downloaded: {len(lacking)}")
        if lacking:
            _download(lacking, machine, folder)
        found.update(filter(None, (_there(each, machine, folder) for each in needs)))
    for stale in set(folder.iterdir()) - found:
        stale.unlink()
    say(f"wheels: {len(found)}, {mb(sum(each.stat().st_size for each in found))}")
    return sorted(found)


def _there(each: Locked, machine: str, folder: Path) -> Path | None:
    """Return the wheel of a package that lies there and runs on that machine."""
    fits = tags(machine)
    for path in sorted(folder.glob("*.whl")):
        name, version, _, offered = parse_wheel_filename(path.name)
        named = name == canonicalize_name(each.need.name) and str(version) == each.version
        if named and offered & fits and f"sha256:{sha256(path)}" in each.hashes:
            return path
    return None


def _listed(needs: Sequence[Locked], folder: Path) -> Path:
    """Write a list for pip: markers are answered here, for another machine than this."""
    path = folder / "wanted.txt"
    path.write_text(
        "".join(
            f"{each.need.name}=={each.version}"
            + "".join(f" --hash={digest}" for digest in each.hashes)
            + "\n"
            for each in needs
        ),
        encoding="utf-8",
    )
    return path


def _download(needs: Sequence[Locked], machine: str, folder: Path) -> None:
    listed = _listed(needs, folder)
    ended = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--require-hashes", "--only-binary", ":all:",
            "--python-version", ".".join(map(str, PYTHON)), "--implementation", "cp",
            "--abi", "cp311", "--abi", "abi3", "--abi", "none",
            *(word for name in platforms(machine) for word in ("--platform", name)),
            "--dest", str(folder), "--requirement", str(listed),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    listed.unlink()
    if ended.returncode != 0:
        # pip's last line names the package.
        refuse(
            f"无法取得适用于 {machine} 的 wheel：\n{ended.stderr.strip()}\n"
            "请检查网络和 pip 的设置；若该软件包没有此平台的 wheel，请在锁定文件中换一个版本。",
            f"The wheels for {machine} could not be had (see above). Check the network and pip's "
            "settings; where a package has no wheel for the machine, lock another version of it.",
        )


def requirements(lock: Path, found: Sequence[Path], own: Path, version: str) -> str:
    """Return the list that pip installs on the target: digests of the files that are there."""
    digests: dict[str, list[str]] = {}
    for path in found:
        name, *_ = parse_wheel_filename(path.name)
        digests.setdefault(name, []).append(sha256(path))
    lines = [f"onemap[server]=={version} --hash=sha256:{sha256(own)}"]
    for each in locked(lock):
        kept = digests.get(canonicalize_name(each.need.name))
        if kept:
            hashes = "".join(f" --hash=sha256:{digest}" for digest in sorted(kept))
            marker = f" ; {each.need.marker}" if each.need.marker else ""
            lines.append(f"{each.need.name}=={each.version}{marker}{hashes}")
    return "\n".join(lines) + "\n"
