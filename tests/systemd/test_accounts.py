"""What `gitmeter.sysusers` and `gitmeter.tmpfiles` make is what the units and the spool need."""

import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.systemd.units import FOLDER, SERVICES, read_unit, run, service

SYSUSERS: Final = FOLDER / "gitmeter.sysusers"
TMPFILES: Final = FOLDER / "gitmeter.tmpfiles"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")


def entries(file: Path) -> list[list[str]]:
    """The lines of a configuration without comments, cut at blanks."""
    lines = file.read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def modes() -> dict[str, tuple[str, str, str]]:
    """Path to mode, user and group of every line of the tmpfiles."""
    return {words[1]: (words[2], words[3], words[4]) for words in entries(TMPFILES)}


def make_accounts(root: Path) -> dict[str, tuple[int, int]]:
    """Run systemd-sysusers on an empty root; user name to user id and group id."""
    (root / "etc").mkdir(parents=True)
    result = run("systemd-sysusers", f"--root={root}", SYSUSERS)
    assert result.returncode == 0, result.stderr
    lines = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()]
    return {words[0]: (int(words[2]), int(words[3])) for words in lines}


def make_files(root: Path) -> None:
    """Run systemd-tmpfiles on a root."""
    result = run("systemd-tmpfiles", f"--root={root}", "--create", TMPFILES)
    assert (result.returncode, result.stderr) == (0, "")


def mode_and_owner(path: Path) -> tuple[str, int, int]:
    found = path.stat()
    return f"{stat.S_IMODE(found.st_mode):04o}", found.st_uid, found.st_gid


@needs_root
def test_every_service_has_its_system_account_that_nobody_can_log_in_to(tmp_path: Path) -> None:
    accounts = make_accounts(tmp_path)
    assert {service(name)["User"] for name in SERVICES} <= set(accounts)
    for line in (tmp_path / "etc/passwd").read_text().splitlines():
        name, _, uid, _, _, home, shell = line.split(":")
        assert int(uid) < 1000, name
        assert shell.endswith("/nologin"), name
        if name in {service(unit)["User"] for unit in SERVICES}:
            assert home in modes(), name


def test_folders_have_the_owner_and_the_mode_that_the_units_set() -> None:
    for name in SERVICES:
        settings = service(name)
        mode, user, group = modes()[f"/var/lib/{settings['StateDirectory']}"]
        assert mode == settings["StateDirectoryMode"]
        assert (user, group) == (settings["User"], settings["Group"])


@needs_root
def test_folders_and_files_get_the_modes_that_are_written_down(tmp_path: Path) -> None:
    accounts = make_accounts(tmp_path) | {"root": (0, 0)}
    make_files(tmp_path)
    files = [Path(words[1]) for words in entries(TMPFILES) if words[0] == "z"]
    for file in files:
        made = tmp_path / file.relative_to("/")
        made.write_text("x")
        os.chown(made, *accounts[modes()[str(file.parent)][1]])  # as whoever owns the folder
    make_files(tmp_path)
    for path, (mode, user, _) in modes().items():
        made = tmp_path / Path(path).relative_to("/")
        assert mode_and_owner(made) == (mode, *accounts[user]), path


def test_no_secret_is_open_to_anybody_but_its_owner() -> None:
    secrets = [path for path in modes() if path.endswith(("token", "key", "secret"))]
    assert len(secrets) == 30
    assert {modes()[path][0] for path in secrets} == {"0400"}


def test_credentials_come_from_files_that_have_a_mode_and_are_never_missing() -> None:
    lines = read_unit("aggregator.service")["Service"]
    loaded = dict(value.split(":") for value in lines["LoadCredential"])
    stand_ins = dict(value.split(":") for value in lines["SetCredential"])
    secret = {"token", "ssh_key", "copy_token", "webhook_secret"}
    secret |= {"notify_secret", "notify_token", "topup_secret"}
    assert set(loaded) == set(stand_ins) == {"known_hosts", *secret}
    for name in secret:
        assert modes()[loaded[name]] == ("0400", "root", "root")
    assert all(" " in value for value in stand_ins.values()), "a token has no space in it"


@pytest.mark.parametrize(
    "name", ["till.service", "till-sweep.service", "books-reconcile.service", "portal.service"]
)
def test_keys_of_providers_and_secrets_come_from_files_of_root_and_are_never_missing(
    name: str,
) -> None:
    """But for reconcile.toml, without which that unit is skipped."""
    lines = read_unit(name)
    loaded = dict(value.split(":") for value in lines["Service"]["LoadCredential"])
    stand_ins = dict(value.split(":") for value in lines["Service"]["SetCredential"])
    config = loaded.pop("reconcile.toml", None)
    assert config is None or config in lines["Unit"]["ConditionPathExists"]
    assert set(loaded) == set(stand_ins)
    assert {modes()[path] for path in loaded.values()} == {("0400", "root", "root")}
    assert all(" " in value for value in stand_ins.values()), "a key has no space in it"


_WRITE_INTO_SPOOL: Final = """\
import os, sqlite3, sys
os.umask(0o077)
spool = sys.argv[1]
db = sqlite3.connect(spool)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS t (x)")
db.execute("INSERT INTO t VALUES (1)")
db.commit()
print(*(oct(os.stat(spool + suffix).st_mode & 0o777) for suffix in ("-wal", "-shm")))
"""


@pytest.fixture
def open_root() -> Iterator[Path]:
    """An empty root that every user can enter, unlike the folders of tests."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        yield root


@needs_root
def test_a_service_of_the_group_records_and_the_pusher_goes_on(open_root: Path) -> None:
    """SQLite keeps the spool's side files open to the group, whoever makes them with what umask."""
    accounts = make_accounts(open_root)
    make_files(open_root)
    pusher, group = accounts["node-pusher"]
    spool = open_root / "var/lib/node-pusher/spool.db"
    spool.touch()
    spool.chmod(0o660)  # as `init` makes it in a folder that is open to the group
    os.chown(spool, pusher, group)
    somebody = pwd.getpwnam("nobody").pw_uid
    for user in (pusher, somebody, pusher):
        done = run(
            *("setpriv", f"--reuid={user}", "--regid=65534", f"--groups={group}"),
            *("/usr/bin/python3", "-c", _WRITE_INTO_SPOOL, spool),
        )
        assert (done.stdout, done.stderr) == ("0o660 0o660\n", "")
    stranger = run(
        *("setpriv", f"--reuid={somebody}", "--regid=65534", "--clear-groups"),
        *("/usr/bin/python3", "-c", _WRITE_INTO_SPOOL, spool),
    )
    assert "unable to open database file" in stranger.stderr
