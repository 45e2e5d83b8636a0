"""The Debian packages that a bare Debian 12 lacks, as a repository that apt reads from a folder.

The machine's own list of sources tells where they are from; apt checks their signatures.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from archive import Content, sha256
from told import mb, refuse, say

MACHINES = ("amd64", "arm64")
RELEASE = "12"
SUITE = "bookworm"
WANTED = (
    "postgresql-15", "postgresql-15-postgis-3", "python3", "python3-venv", "tzdata",
    "ca-certificates", "fonts-noto-cjk",
)  # fmt: skip
"""What is installed; install.sh names the same."""
AT_HAND = ("nginx", "chrony")
"""What is installed where it is asked for."""

_SETTINGS = """\
Dir::State "{there}/state";
Dir::State::status "{there}/status";
Dir::Cache "{there}/cache";
Dir::Log "{there}/log";
APT::Architecture "{machine}";
APT::Architectures {{ "{machine}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Default-Release "/^{suite}(-updates|-security)?$/";
Acquire::Languages "none";
Debug::NoLocking "true";
"""


def collected(work: Path, machines: Sequence[str], epoch: int) -> list[Content]:
    """Download for each kind of machine what is wanted, with all that it stands on.

    Parameters
    ----------
    work : folder that downloads are kept in.
    machines : Debian's names of them, of `MACHINES`; none need be this machine's own.
    epoch : date of the repository, in seconds of the epoch.

    Raises
    ------
    Refused : no apt, no sources of Debian 12, or no answer.
    """
    unknown = sorted(set(machines) - set(MACHINES))
    if unknown:
        refuse(
            f"--debian 不认识 {unknown[0]}；可用：{', '.join(MACHINES)}。",
            f"--debian knows no {unknown[0]}; there are {', '.join(MACHINES)}.",
        )
    contents: dict[str, Content] = {}
    indexes: dict[str, bytes] = {}
    for machine in machines:
        paths = _downloaded(work / machine, machine)
        say(f"Debian packages for {machine}: {len(paths)}, "
            f"{mb(sum(path.stat().st_size for path in paths))}")  # fmt: skip
        stanzas = []
        for path in paths:
            # Without the epoch of the version, whose colon is escaped in the file's name.
            parts = path.stem.split("_")
            name = f"{parts[0]}_{parts[1].rpartition('%3a')[2]}_{parts[2]}.deb"
            place = f"pool/{name}"
            contents[place] = Content(f"debian/{place}", path)
            stanzas.append(_stanza(path, place))
        indexes[f"main/binary-{machine}/Packages"] = "\n".join(stanzas).encode()
    listed = [Content(f"debian/dists/{SUITE}/{name}", data) for name, data in indexes.items()]
    release = Content(f"debian/dists/{SUITE}/Release", _release(machines, indexes, epoch))
    return [*contents.values(), *listed, release]


def _downloaded(there: Path, machine: str) -> list[Path]:
    """Let apt think of a machine on which nothing is installed, and download for that."""
    for folder in ("state/lists/partial", "cache/archives/partial", "none/partial", "log"):
        (there / folder).mkdir(parents=True, exist_ok=True)
    (there / "status").touch()
    settings = there / "apt.conf"
    settings.write_text(
        _SETTINGS.format(there=there, machine=machine, suite=SUITE), encoding="utf-8"
    )
    say(f"Debian's lists for {machine}")
    _apt(settings, "apt-get", "-qq", "update")
    base = _apt(settings, "apt-cache", "show", "base-files").split("\nVersion: ")
    if not any(each.startswith(f"{RELEASE}.") for each in base[1:]):
        refuse(
            f"本机的 apt 源里没有 Debian {RELEASE}（{machine}）。请在 Debian {RELEASE} 上制作，"
            "或用 --debian none 不带 Debian 软件包。",
            f"This machine's sources of apt have no Debian {RELEASE} for {machine}. Make the "
            f"bundle on a Debian {RELEASE}, or without Debian's packages by --debian none.",
        )
    names = set()
    for name in (*WANTED, *AT_HAND):
        # One after another: two that exclude each other on one machine are both to be there.
        asked = ("-qq", "--yes", "install", name)
        listed = _apt(settings, "apt-get", "-o", f"Dir::Cache::archives={there}/none/",
                      "--print-uris", *asked)  # fmt: skip
        names.update(line.split()[1] for line in listed.splitlines())
        _apt(settings, "apt-get", "--download-only", *asked)
    # What an older list of Debian's has left there is not for this bundle.
    return [there / "cache/archives" / name for name in sorted(names)]


def _apt(settings: Path, *words: str) -> str:
    ended = subprocess.run(
        ["env", f"APT_CONFIG={settings}", "LC_ALL=C.UTF-8", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode != 0:
        refuse(
            f"{' '.join(words)} 失败：\n{ended.stderr.strip()}",
            f"{' '.join(words)} failed:\n{ended.stderr.strip()}",
        )
    return ended.stdout


def _stanza(path: Path, place: str) -> str:
    """Return what the index says of a package: its own description, where it is and its digest."""
    told = subprocess.run(
        ["dpkg-deb", "--field", str(path)], capture_output=True, text=True, check=True
    ).stdout
    return (
        f"{told.rstrip()}\nFilename: {place}\nSize: {path.stat().st_size}\nSHA256: {sha256(path)}\n"
    )


def _release(machines: Sequence[str], indexes: dict[str, bytes], epoch: int) -> bytes:
    date = datetime.fromtimestamp(epoch, UTC)
    lines = [
        "Origin: onemap", f"Suite: {SUITE}", f"Codename: {SUITE}", "Components: main",
        f"Architectures: {' '.join(machines)}", f"Date: {date:%a, %d %b %Y %H:%M:%S} UTC",
        "SHA256:",
    ]  # fmt: skip
    lines += [f" {sha256(data)} {len(data)} {name}" for name, data in indexes.items()]
    return ("\n".join(lines) + "\n").encode()
