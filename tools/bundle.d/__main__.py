"""Make the bundle: one archive that installs where there is no internet."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import debian
import wheels
from archive import Content, write
from told import Refused, mb, refuse, say

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PLAIN = ("INSTALL.md", "nginx.conf", "onemap.env", "onemap.service", "onemap-worker.service")
PROGRAMS = ("install.sh", "onemap")


def main() -> None:
    """Collect, pack, and tell what it came to."""
    began = time.monotonic()
    wanted = arguments()
    epoch = commit_time()
    names = [each for each in wanted.debian.split(",") if each and each != "none"]
    contents = own_files()
    contents += packages(wanted.work, epoch)
    if names:
        contents += debian.collected(wanted.work / "debian", names, epoch)
    made = write(wanted.output / f"onemap-{version()}-bundle.tar", contents, epoch)
    took = time.monotonic() - began
    say(f"{made}: {mb(made.stat().st_size)}, {len(contents)} files, {took:.0f} s")


def arguments() -> argparse.Namespace:
    """Return where to work, where to write, and for which machines Debian packages are taken."""
    parser = argparse.ArgumentParser(prog="tools/bundle", description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build/bundle",
        help="downloads are kept here, so that a second run is quick",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument(
        "--debian", default=",".join(debian.MACHINES), metavar="NAMES",
        help="amd64,arm64 (both by default), or none",
    )  # fmt: skip
    wanted = parser.parse_args()
    wanted.work, wanted.output = wanted.work.resolve(), wanted.output.resolve()
    return wanted


def commit_time() -> int:
    """Return the time that all files of the bundle bear: the commit's, in seconds of the epoch."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    told = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        refuse(
            "这里没有 git 提交，无法确定文件时间。请设置 SOURCE_DATE_EPOCH。",
            "There is no git commit here to take the time of files from. Set SOURCE_DATE_EPOCH.",
        )
    return int(told.stdout)


def version() -> str:
    """Return the project's version."""
    text = (ROOT / "onemap/__init__.py").read_text(encoding="utf-8")
    (line,) = [each for each in text.splitlines() if each.startswith("__version__")]
    return line.split('"')[1]


def own_files() -> list[Content]:
    """Return what the repository itself gives: the installer, units, examples and texts."""
    missing = [name for name in (*PLAIN, *PROGRAMS) if not (DEPLOY / name).is_file()]
    if missing:
        names = ", ".join(f"deploy/{name}" for name in missing)
        refuse(f"缺少文件：{names}。", f"Files are missing: {names}.")
    listed = [Content(f"deploy/{name}", DEPLOY / name) for name in PLAIN if name != "INSTALL.md"]
    listed += [
        Content("INSTALL.md", DEPLOY / "INSTALL.md"),
        Content("LICENSE", ROOT / "LICENSE"),
        # What the operator must do stands there.
        Content("deploy/security.md", ROOT / "docs/security.md"),
        Content("install.sh", DEPLOY / "install.sh", program=True),
        Content("deploy/onemap", DEPLOY / "onemap", program=True),
    ]
    return listed


def packages(work: Path, epoch: int) -> list[Content]:
    """Return the wheels of every machine, onemap's own, and the list that pip is held to."""
    lock = ROOT / "requirements/server.txt"
    found = wheels.downloaded(lock, work / "wheels")
    own = own_wheel(work / "own", epoch)
    listed = [Content(f"wheels/{each.name}", each) for each in (*found, own)]
    text = wheels.requirements(lock, found, own, version())
    return [*listed, Content("requirements.txt", text.encode())]


def own_wheel(folder: Path, epoch: int) -> Path:
    """Build onemap's wheel, with the page inside; the same sources give the same bytes."""
    shutil.rmtree(folder, ignore_errors=True)
    say("onemap's own wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, env=os.environ | {"SOURCE_DATE_EPOCH": str(epoch)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode != 0:
        refuse(
            f"onemap 的 wheel 构建失败：\n{built.stderr}",
            f"onemap's own wheel could not be built:\n{built.stderr}",
        )
    (wheel,) = folder.glob("*.whl")
    return wheel


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(f"\n✗ {refused}")
