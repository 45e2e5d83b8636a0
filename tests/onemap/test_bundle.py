"""The bundle: its parts are sound, and it installs on a bare Debian with the network cut.

The second half takes minutes, root, debootstrap and a mirror of Debian:

    ONEMAP_TEST_BUNDLE=1 .venv/bin/python -m pytest -s tests/onemap/test_bundle.py

makes the bundle first; ``ONEMAP_TEST_BUNDLE=<archive>`` takes one that was made.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import Tag
from playwright.sync_api import expect

from layers import db
from onemap import __version__
from onemap.settings import PREFIX, Settings
from tests.e2e.browsing import chromium, visiting
from tests.support.fresh_debian import NOT_THERE, Fresh, fresh

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
WANTED = os.environ.get("ONEMAP_TEST_BUNDLE", "")
LATER = f"""import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9001", "{db.head()}", None, None


def upgrade() -> None:
    op.create_table("in_the_way", sa.Column("id", sa.BigInteger(), primary_key=True))


def downgrade() -> None:
    op.drop_table("in_the_way")
"""
"""A migration of a release that is yet to come."""
slow = [
    pytest.mark.slow,
    pytest.mark.skipif(not WANTED, reason="installs a whole machine: set ONEMAP_TEST_BUNDLE=1"),
]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The modules that make the bundle."""
    monkeypatch.syspath_prepend(str(ROOT / "tools/bundle.d"))
    return {name: import_module(name) for name in ("archive", "debian", "wheels")}


def test_the_same_contents_give_the_same_bytes_whenever_and_wherever_they_lie(
    tools: dict[str, Any], tmp_path: Path
) -> None:
    content = tools["archive"].Content
    made = []
    for number, order in enumerate((1, -1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.whl").write_bytes(b"wheel")
        os.utime(folder / "a.whl", (number, number))
        contents = [content("wheels/a.whl", folder / "a.whl"),
                    content("install.sh", b"#!/bin/sh\n", program=True)]  # fmt: skip
        path = tools["archive"].write(folder / "onemap-1-bundle.tar", contents[::order], 1_700_000)
        made.append(path.read_bytes())
    assert made[0] == made[1]
    with tarfile.open(tmp_path / "0/onemap-1-bundle.tar") as tar:
        told = {each.name: (each.mode, each.mtime) for each in tar.getmembers()}
        sums = tar.extractfile("onemap-1-bundle/SHA256SUMS").read().decode()
    assert told["onemap-1-bundle/install.sh"] == (0o755, 1_700_000)
    assert f"{hashlib.sha256(b'wheel').hexdigest()}  wheels/a.whl\n" in sums


def test_the_servers_lock_is_what_the_tests_ran_with() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / f"requirements/{name}.txt").read_text()
        return {block.strip(" \\\n") for block in re.split(r"\n(?=\S)", text)}

    server = pins("server")
    assert len(server) > 100
    assert server <= pins("test")
    assert not [pin for pin in server if pin.startswith(("nodejs", "hatchling", "pytest"))]


def test_markers_and_wheels_are_judged_for_the_machine_that_is_served(
    tools: dict[str, Any], tmp_path: Path
) -> None:
    wheels = tools["wheels"]
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "arm==1 ; platform_machine == 'aarch64' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "win==1 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\n"
        "new==1 ; python_full_version >= '3.12' \\\n    --hash=sha256:dd\n"
        "all==1.0 \\\n    --hash=sha256:ee\n"
    )
    listed = list(wheels.locked(lock))
    assert listed[0].hashes == ("sha256:aa", "sha256:bb")
    wanted = {machine: [each.need.name for each in listed if each.wanted(machine)]
              for machine in wheels.MACHINES}  # fmt: skip
    assert wanted == {"x86_64": ["all"], "aarch64": ["arm", "all"]}
    tags = wheels.tags("aarch64")
    assert Tag("cp311", "abi3", "manylinux_2_28_aarch64") in tags
    assert Tag("py3", "none", "any") in tags
    assert Tag("cp311", "cp311", "manylinux_2_28_x86_64") not in tags
    assert Tag("cp312", "cp312", "manylinux_2_28_aarch64") not in tags


def test_what_is_installed_is_what_is_in_the_bundle(tools: dict[str, Any]) -> None:
    text = (DEPLOY / "install.sh").read_text()
    (listed,) = re.findall(r"^packages=\(([^)]*?)\"\$\{extra", text, re.MULTILINE)
    assert sorted(listed.split()) == sorted(tools["debian"].WANTED)
    assert f"{' | '.join(tools['debian'].AT_HAND)})" in text


def test_a_changed_byte_stops_the_installer_before_anything_is_done(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "install.sh", tmp_path)
    (tmp_path / "wheel").write_bytes(b"as it was")
    digest = hashlib.sha256(b"as it was").hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  wheel\n")
    (tmp_path / "requirements.txt").write_text("onemap[server]==1 --hash=sha256:aa\n")

    def tried() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tmp_path / "install.sh", "--dry-run", "--no-debian", "--prefix", tmp_path / "opt"],
            capture_output=True, text=True,
        )  # fmt: skip

    sound = tried()
    assert sound.returncode == 0, sound.stderr
    assert "--require-hashes" in sound.stdout
    (tmp_path / "wheel").write_bytes(b"as it is!")
    broken = tried()
    assert broken.returncode == 1
    assert "wheel: FAILED" in broken.stderr
    assert "useradd" not in broken.stdout
    assert not (tmp_path / "opt").exists()


def test_the_command_reads_the_settings_as_the_service_does(tmp_path: Path) -> None:
    program = tmp_path / "opt/venv/bin/onemap"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nenv\necho "said=$*"\n')
    settings = tmp_path / "onemap.env"
    settings.write_text(
        "# ONEMAP_HOST=no\n\nONEMAP_DATABASE_URL=postgresql://o:$(id)&x@h/d?a=b\n"
        "ONEMAP_TIMEZONE='Asia/Urumqi'\nONEMAP_PORT=1\nnot a setting\n; ONEMAP_X=1\n"
        'ONEMAP_DATA_DIR="/srv/一张 图"'
    )
    text = (DEPLOY / "onemap").read_text()
    text = text.replace("/etc/onemap/onemap.env", str(settings))
    text = text.replace("@PREFIX@", str(tmp_path / "opt")).replace('"$(id -u)" != 0', "1 = 1")
    command = tmp_path / "command"
    command.write_text(text)
    command.chmod(0o755)
    program.chmod(0o755)
    ended = subprocess.run(
        [command, "serve", "a b"], env={"PATH": os.environ["PATH"], "ONEMAP_PORT": "9"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = dict(line.partition("=")[::2] for line in ended.stdout.splitlines())
    assert {name: told[name] for name in told if name.startswith("ONEMAP")} == {
        "ONEMAP_DATABASE_URL": "postgresql://o:$(id)&x@h/d?a=b",
        "ONEMAP_TIMEZONE": "Asia/Urumqi", "ONEMAP_PORT": "9", "ONEMAP_DATA_DIR": "/srv/一张 图",
    }  # fmt: skip
    assert told["said"] == "serve a b"


def test_the_settings_that_are_shipped_exist() -> None:
    named = re.findall(r"^#?(ONEMAP_\w+)=", (DEPLOY / "onemap.env").read_text(), re.MULTILINE)
    assert named
    assert set(named) <= {PREFIX + name.upper() for name in Settings.model_fields}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize("unit", ["onemap", "onemap-worker"])
def test_a_unit_is_sound_and_exposes_little(tmp_path: Path, unit: str) -> None:
    path = tmp_path / f"{unit}.service"
    text = (DEPLOY / path.name).read_text()
    path.write_text(text.replace("@PREFIX@/venv/bin/onemap", "/bin/true"))
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", path], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", path],
        capture_output=True, text=True,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout


@dataclass(frozen=True)
class Installed:
    """The bundle on a bare Debian that has run its installer."""

    machine: Fresh
    folder: str
    before: set[str]


def timed(what: str, began: float) -> None:
    print(f"  {what}: {time.monotonic() - began:.1f} s")


@pytest.fixture(scope="module")
def bundle() -> Path:
    """The archive."""
    if WANTED != "1":
        return Path(WANTED).resolve()
    began = time.monotonic()
    subprocess.run([ROOT / "tools/bundle"], check=True)
    timed("made", began)
    (made,) = (ROOT / "dist").glob("onemap-*-bundle.tar")
    return made


@pytest.fixture(scope="module")
def installed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A booted Debian on which the installer has run."""
    folder = tmp_path_factory.mktemp("machine", numbered=True)
    began = time.monotonic()
    with fresh(folder) as machine:
        timed("booted", began)
        before = {name for name in NOT_THERE if machine.run("which", name).returncode == 0}
        unpacked(bundle, machine)
        place = f"/srv/{bundle.stem}"
        began = time.monotonic()
        # As on a machine that was hardened: what root makes is for root alone.
        machine.says("sh", "-c", f"umask 077; exec {place}/install.sh --with nginx --with chrony")
        timed("installed", began)
        print("  MB of the program, packages added:",
              machine.says("du", "-sm", "/opt/onemap").split()[0],
              len(machine.says("dpkg-query", "-W").splitlines()))  # fmt: skip
        machine.says("systemctl", "enable", "--now", "onemap")
        began = time.monotonic()
        assert answers(machine, "/healthz")
        timed("the service answers for the first time", began)
        yield Installed(machine, place, before)


def unpacked(bundle: Path, machine: Fresh) -> None:
    subprocess.run(["tar", "-xf", bundle, "-C", machine.root / "srv"], check=True)


def changed(installed: Installed, further: dict[str, str]) -> None:
    """Make the bundle there that of another release, whose wheel has further files."""
    place = installed.machine.root / installed.folder.lstrip("/")
    (wheel,) = (place / "wheels").glob("onemap-*.whl")
    old = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with zipfile.ZipFile(wheel) as had:
        members = {name: had.read(name) for name in had.namelist()}
    (record,) = [name for name in members if name.endswith(".dist-info/RECORD")]
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in further.items():
            members[name] = text.encode()
            members[record] += f"{name},,\n".encode()
        for name, content in members.items():
            made.writestr(name, content)
    new = hashlib.sha256(wheel.read_bytes()).hexdigest()
    for name in ("requirements.txt", "SHA256SUMS"):
        path = place / name
        path.write_text(path.read_text().replace(old, new))
    listed = place / "SHA256SUMS"
    digest = hashlib.sha256((place / "requirements.txt").read_bytes()).hexdigest()
    listed.write_text(
        re.sub(r"\w{64}  requirements.txt", f"{digest}  requirements.txt", listed.read_text())
    )


def backups(machine: Fresh) -> list[str]:
    """Return the names of the backups, the oldest first."""
    return machine.says("ls", "-tr", "/var/backups/onemap").split()


def revision_of(machine: Fresh, backup: str) -> str:
    """Return the revision of the tables in a backup."""
    told = machine.says("onemap", "restore", "--check", "--json", f"/var/backups/onemap/{backup}")
    return str(json.loads(told)["revision"])


def tables(machine: Fresh) -> tuple[str, str]:
    """Return the revision of the tables, and how it is to the program in use."""
    told = json.loads(machine.says("onemap", "db", "status", "--json"))
    return told["revision"], told["tables"]


def taken_back(machine: Fresh) -> None:
    """Choose the former program again, as INSTALL.md says."""
    machine.says("sh", "-c", 'ln -sfn "$(readlink /opt/onemap/previous)" /opt/onemap/venv')


def waits_for_jobs(machine: Fresh) -> None:
    """Wait until the worker of the unit has registered with the queue beside the service's own."""
    deadline = time.monotonic() + 60
    count = ("onemap", "db", "psql", "-Atc", "SELECT count(*) FROM queue.procrastinate_workers")
    while machine.says(*count) != "2":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert machine.says("systemctl", "is-active", "onemap-worker") == "active"


def answers(machine: Fresh, path: str, *, port: int = 8080, patience_s: float = 300) -> str:
    """Return what curl gets on the machine's network, or nothing when it never answers."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        ended = subprocess.run(
            machine.on_its_network("curl", "-sf", f"http://127.0.0.1:{port}{path}"),
            capture_output=True,
        )
        if ended.returncode == 0:
            return ended.stdout.decode("utf-8", errors="replace")
        time.sleep(0.5)
    return ""


def draws_its_map(machine: Fresh, origin: str, folder: Path) -> None:
    """Open the page in this machine's Chromium, which is on the other's network."""
    program = folder / "chromium"
    within = " ".join(machine.on_its_network("/usr/bin/chromium"))
    program.write_text(f'#!/bin/sh\nexec {within} "$@"\n')
    program.chmod(0o755)
    with chromium(str(program)) as browser, visiting(browser, origin, "desktop") as there:
        there.page.goto(f"{origin}/#lang=zh&theme=light")
        expect(there.page.get_by_text("虚构演示数据").first).to_be_visible()
        expect(there.page.get_by_text("无位置资产").first).to_be_visible()
        deadline = time.monotonic() + 30
        # One colour alone takes a hundredth of what a drawn map does.
        while len(there.picture()) < 30_000:
            assert time.monotonic() < deadline
        tiles = {url.split("/")[4] for url in there.requests if "/tiles/" in url}
        assert {"sites", "roads", "waters"} <= tiles
        there.assert_clean()


class TestOnABareDebianWithTheNetworkCut:
    """In this order; each goes on from where the one before it left the machine."""

    pytestmark = slow

    def test_nothing_was_there_but_the_machine_itself(self, installed: Installed) -> None:
        assert installed.before == set()
        links = installed.machine.says("ls", "/sys/class/net").split()
        routes = installed.machine.says("cat", "/proc/net/route").splitlines()[1:]
        assert (links, routes) == (["lo"], [])
        for name in ("gcc", "cc", "node", "npm"):
            assert installed.machine.run("which", name).returncode != 0, name

    def test_the_service_serves_page_catalogue_and_tiles(self, installed: Installed) -> None:
        machine = installed.machine
        assert "<title>" in answers(machine, "/", patience_s=5)
        assert "rooms" in answers(machine, "/catalogue", patience_s=5)
        assert answers(machine, "/healthz", patience_s=5) == '{"status":"ok"}'
        assert machine.says("systemctl", "show", "-P", "User", "onemap") == "onemap"

    def test_a_second_run_changes_nothing(self, installed: Installed) -> None:
        machine = installed.machine

        def state() -> set[str]:
            # As a set of lines: a difference of two long texts takes hours to be told.
            looks = (
                ("readlink", "/opt/onemap/venv"),
                ("systemctl", "show", "-p", "MainPID", "onemap"),
                ("stat", "-c", "%n %Y %u %a", "/etc/onemap/onemap.env"),
                ("dpkg-query", "-W"),
                ("find", "-L", "/opt/onemap/venv", "-type", "f", "-printf", "%p %T@\\n"),
                ("find", "/etc/apt", "/etc/postgresql-common"),
            )
            return {line for look in looks for line in machine.says(*look).splitlines()}

        before = state()
        began = time.monotonic()
        machine.says(f"{installed.folder}/install.sh")
        timed("a second run", began)
        assert sorted(state() ^ before)[:10] == []
        assert answers(machine, "/healthz", patience_s=60)

    def test_the_doctor_finds_nothing_to_mend(self, installed: Installed) -> None:
        machine = installed.machine
        machine.says("onemap", "backup", "/var/backups/onemap")
        assert "✗" not in machine.says("onemap", "doctor")

    def test_a_killed_service_comes_back(self, installed: Installed) -> None:
        machine = installed.machine
        machine.says("onemap", "user", "create", "admin", "--role", "administrator", "--estate")
        killed = machine.says("systemctl", "show", "-P", "MainPID", "onemap")
        began = time.monotonic()
        machine.says("kill", "-9", killed)
        while machine.says("systemctl", "show", "-P", "MainPID", "onemap") in {killed, "0"}:
            time.sleep(0.2)
        assert answers(machine, "/healthz")
        timed("back after kill -9", began)
        assert "admin" in machine.says("onemap", "user", "list")

    def test_the_demo_opens_in_a_browser_on_that_network(
        self, installed: Installed, tmp_path: Path
    ) -> None:
        machine = installed.machine
        began = time.monotonic()
        demo = subprocess.Popen(
            machine.command("onemap", "demo", "--port", "8090"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            assert answers(machine, "/healthz", port=8090)
            timed("the demo is built and answers", began)
            tile = answers(machine, "/tiles/buildings", port=8090, patience_s=5)
            assert "/tiles/buildings/{z}/{x}/{y}" in tile
            began = time.monotonic()
            draws_its_map(machine, "http://127.0.0.1:8090", tmp_path)
            timed("the page opened and drew its map", began)
        finally:
            machine.run("pkill", "-TERM", "-f", "^/opt/onemap.* demo")
            demo.wait(timeout=60)
        assert answers(machine, "/healthz", patience_s=5)

    def test_the_database_is_the_services_and_outlives_the_worker(
        self, installed: Installed
    ) -> None:
        machine = installed.machine
        machine.says("systemctl", "stop", "onemap")
        machine.says("systemctl", "enable", "--now", "onemap-worker")
        # Alone it has nothing to attach to, and would have had time to start a database.
        time.sleep(5)
        assert machine.run("pgrep", "-x", "postgres").stdout == ""
        machine.says("systemctl", "start", "onemap")
        assert answers(machine, "/healthz")
        waits_for_jobs(machine)
        server = machine.says("head", "-n", "1", "/var/lib/onemap/postgres/postmaster.pid")
        assert machine.says("cat", f"/proc/{server}/cgroup").endswith("/onemap.service")
        machine.says("systemctl", "stop", "onemap-worker")
        assert machine.run("test", "-d", f"/proc/{server}").returncode == 0
        machine.says("systemctl", "start", "onemap-worker")
        waits_for_jobs(machine)

    def test_an_upgrade_backs_up_exchanges_the_program_and_keeps_the_data(
        self, installed: Installed
    ) -> None:
        machine = installed.machine
        before = machine.says("readlink", "/opt/onemap/venv")
        changed(installed, {"onemap/another.txt": "another release"})
        kept = backups(machine)
        began = time.monotonic()
        machine.says(f"{installed.folder}/install.sh")
        timed("upgraded", began)
        assert answers(machine, "/healthz")
        waits_for_jobs(machine)
        after = machine.says("readlink", "/opt/onemap/venv")
        assert after != before
        assert machine.says("readlink", "/opt/onemap/previous") == before
        assert machine.run("test", "-d", before).returncode == 0
        assert len(backups(machine)) == len(kept) + 1
        assert "admin" in machine.says("onemap", "user", "list")
        for unit in ("onemap", "onemap-worker"):
            running = machine.says("systemctl", "show", "-P", "MainPID", unit)
            assert after in machine.says("cat", f"/proc/{running}/cmdline")

    def test_where_the_tables_cannot_be_changed_the_former_program_goes_on(
        self, installed: Installed
    ) -> None:
        machine = installed.machine
        before, revision = machine.says("readlink", "/opt/onemap/venv"), tables(machine)
        changed(installed, {"layers/migrations/versions/9001_later.py": LATER})
        machine.says("onemap", "db", "psql", "-c", "CREATE TABLE in_the_way ()")
        failed = machine.run(f"{installed.folder}/install.sh")
        assert failed.returncode != 0
        assert "in_the_way" in failed.stderr
        assert "数据表未变，已换回" in failed.stderr
        assert "Mend the cause and run this again" in failed.stderr
        assert "Installed" not in failed.stdout
        assert machine.says("readlink", "/opt/onemap/venv") == before
        assert tables(machine) == revision
        assert answers(machine, "/healthz", patience_s=60)
        waits_for_jobs(machine)

        machine.says("onemap", "db", "psql", "-c", "DROP TABLE in_the_way")
        machine.says(f"{installed.folder}/install.sh")
        assert answers(machine, "/healthz", patience_s=60)
        waits_for_jobs(machine)
        assert tables(machine) == ("9001", "current")
        assert machine.says("readlink", "/opt/onemap/previous") == before

    def test_a_further_run_keeps_the_former_program(self, installed: Installed) -> None:
        machine = installed.machine
        former, kept = machine.says("readlink", "/opt/onemap/previous"), backups(machine)
        machine.says(f"{installed.folder}/install.sh")
        assert machine.says("readlink", "/opt/onemap/previous") == former
        assert former != machine.says("readlink", "/opt/onemap/venv")
        assert machine.says(f"{former}/bin/onemap", "--version") == __version__
        assert backups(machine) == kept

    def test_a_service_that_fails_again_and_again_is_brought_up_to_date_and_started(
        self, installed: Installed
    ) -> None:
        machine = installed.machine
        machine.says("systemctl", "stop", "onemap", "onemap-worker")
        taken_back(machine)
        machine.says("systemctl", "start", "onemap")  # the tables are too new for it
        deadline = time.monotonic() + 60
        while machine.says("systemctl", "show", "-P", "NRestarts", "onemap") == "0":
            assert time.monotonic() < deadline
            time.sleep(0.5)
        machine.says(f"{installed.folder}/install.sh")
        assert answers(machine, "/healthz", patience_s=60)
        assert machine.says("systemctl", "show", "-P", "NRestarts", "onemap") == "0"

    def test_going_back_loses_what_was_written_since_and_nothing_else(
        self, installed: Installed
    ) -> None:
        """And a service that stands still gets its tables brought up to date all the same."""
        machine = installed.machine
        before = [each for each in backups(machine) if revision_of(machine, each) != "9001"][-1]
        machine.says("onemap", "user", "create", "later", "--role", "viewer", "--estate")
        machine.says("systemctl", "stop", "onemap", "onemap-worker")
        machine.says("onemap", "backup", "/var/backups/onemap")
        taken_back(machine)
        machine.says("onemap", "restore", "--replace", f"/var/backups/onemap/{before}")
        machine.says("systemctl", "start", "onemap")
        assert answers(machine, "/healthz", patience_s=60)
        logins = machine.says("onemap", "user", "list")
        assert ("admin" in logins, "later" in logins) == (True, False)

        machine.says("systemctl", "stop", "onemap")
        kept = backups(machine)
        said = machine.says(f"{installed.folder}/install.sh")
        assert "systemctl start onemap" in said
        assert machine.run("systemctl", "is-active", "onemap").stdout.strip() == "inactive"
        assert tables(machine) == ("9001", "current")
        assert len(backups(machine)) == len(kept) + 1
        machine.says("systemctl", "start", "onemap")
        assert answers(machine, "/healthz", patience_s=60)

    def test_it_stops_in_good_order(self, installed: Installed) -> None:
        machine = installed.machine
        machine.says("systemctl", "stop", "onemap")
        assert machine.says("systemctl", "show", "-P", "Result", "onemap") == "success"
        log = machine.says("tail", "-n", "1", "/var/lib/onemap/postgres.log")
        assert log.endswith("database system is shut down")
