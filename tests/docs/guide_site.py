"""The machines of the operator's guide, as folders: its commands run with the real programs.

The forge is the test forge with its sshd, the receiver of notifications a real web server. Two
programs are stand-ins: `ssh` (a machine is a folder) and `systemctl`, whose orders the site carries
out itself, as the units say. `runuser` changes to the account that plays the user; where there are
no accounts (`accounts.py` says when), one user does everything.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.request import urlopen

from tests.docs.accounts import Accounts
from tests.docs.guide import Block
from tests.support.forge import ForgeServer
from tests.support.local_http import free_port
from tests.support.receiver import ReceiverServer
from tests.systemd.units import read_unit

METER: Final = "meter"
PATIENCE_S: Final = 120
"""Long after this what the guide shows does not come; nothing is asserted about less."""

_HOME: Final = "/var/lib/node-pusher"
_TILL: Final = "/var/lib/till"
_CREDENTIALS: Final = "/run/credentials/aggregator.service/"
_FOLDERS: Final = ("/etc/gitmeter", "/var/lib/gitmeter", "/var/lib/gitmeter-books", _TILL, "/root")
_HOUR: Final = "2026-11-21T18"
"""In which the usage of the guide falls."""

_FIRST_USE: Final = re.compile(r"^embedder-01 seq 1 at (\d{4}-\d\d-\d\dT\d\d)", re.MULTILINE)

_POLL_S: Final = 0.02
_QUICKLY: Final = "pull_every_s = 5\npull_jitter_s = 0\n"
"""So that nobody waits five minutes for a registration."""

_RUNUSER: Final = """#!/bin/sh
# runuser -u USER -- COMMAND...
[ "$1" = -u ] && [ "$3" = -- ] || exit 64
user=$2
shift 3
@cases@
exec "$@"
"""
_RUNUSER_AS: Final = """[ $user != {user} ] || exec {runuser} -u {account} -- \\
    env HOME=@folder@/$MACHINE{home} USER={user} LOGNAME={user} "$@"
"""
_SSH: Final = """#!/bin/sh
# ssh [-n] root@HOST COMMAND...: like ssh, it eats its input unless told not to
case $1 in
root@*) ;;
-n) shift && exec </dev/null ;;
*) exec @ssh@ "$@" ;; # for git
esac
MACHINE=${1#root@}
shift
[ -d "@folder@/$MACHINE" ] || { echo "ssh: Could not resolve hostname $MACHINE" >&2; exit 255; }
HERE=@folder@/$MACHINE
NODE_PUSHER_HOME=$HERE/var/lib/node-pusher
TILL_HOME=$HERE/var/lib/till
TILL_CONFIG=$HERE/etc/gitmeter/till.toml
export MACHINE NODE_PUSHER_HOME TILL_HOME TILL_CONFIG
here="s#/var/lib/node-pusher#$NODE_PUSHER_HOME#g;s#/var/lib/till#$TILL_HOME#g"
there="s#@folder@/meter/#/#g;s#\\([ =]\\)/\\(etc/gitmeter\\|root\\)/#\\1$HERE/\\2/#g"
words=$(printf '%s' "$*" | sed "$there;$here")
cd "$HERE/root"
sed -u "$here" | sh -c "$words"
"""
_SYSTEMCTL: Final = """#!/bin/sh
# waits until the order is carried out
echo "$MACHINE $*" >"@folder@/orders/$$.new"
mv "@folder@/orders/$$.new" "@folder@/orders/$$"
while [ -e "@folder@/orders/$$" ]; do sleep 0.05; done
"""


class Ran(NamedTuple):
    """What a block did.

    Attributes:
        status: its exit code.
        output: what it showed, in the words of the guide.
        as_shown: the same, in the words of this machine.
    """

    status: int
    output: str
    as_shown: str


class Site:
    """The forge, the aggregator's machine and the nodes.

    Args:
        folder: for everything; the accounts must be able to enter it.
        nodes: names of the machines that ssh reaches.
        played: the accounts of the users.

    Attributes:
        forge: the forge.
        receiver: of notifications.
        ordered: machine, verb and unit of what systemd was told.
    """

    def __init__(self, folder: Path, nodes: tuple[str, ...], played: Accounts) -> None:
        self.folder = folder
        self._played = played
        self.forge = ForgeServer(folder / "forge", org="hero_ops", has_ssh=True)
        self.receiver = ReceiverServer()
        self.ordered: list[tuple[str, str, str]] = []
        self._port = free_port()
        self._stack = ExitStack()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._hour = ""
        self._first_ssh_root = ""
        self._exports: list[str] = []
        for name in (METER, *nodes):
            self._make_folders(name)
        self._bin = folder / "bin"
        self._bin.mkdir()
        played.write_programs(self._bin)
        ssh = shutil.which("ssh") or "ssh"
        runuser = _RUNUSER.replace("@cases@", self._changes_of_user())
        for name, text in (("runuser", runuser), ("ssh", _SSH), ("systemctl", _SYSTEMCTL)):
            script = self._bin / name
            script.write_text(text.replace("@folder@", str(folder)).replace("@ssh@", ssh))
            script.chmod(0o755)
        self._orders = folder / "orders"
        self._orders.mkdir()

    def path(self, machine: str, path: str) -> Path:
        """A file of a machine."""
        return self.folder / machine / path.lstrip("/")

    def _make_folders(self, machine: str) -> None:
        """As after an installation."""
        root = self.path(machine, "/root")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._played.played_by:
            self._played.make_folders(self.folder / machine)
        else:
            for place in (_HOME, *_FOLDERS):
                self.path(machine, place).mkdir(parents=True, exist_ok=True)
            self.path(machine, _HOME).chmod(0o2770)

    def _owner(self, user: str, *, has_group: bool = False) -> str:
        """Options of `install` for the account that plays a user."""
        if not self._played.played_by:
            return " "
        entry = self._played.played_by[user]
        return f" -o {entry.pw_uid} " + (f"-g {entry.pw_gid} " if has_group else "")

    @property
    def _account(self) -> str | None:
        """Who plays `gitmeter`; None where one user does everything."""
        return self._played.name("gitmeter") if self._played.played_by else None

    def _changes_of_user(self) -> str:
        """What `runuser` does for each user that an account plays."""
        runuser = shutil.which("runuser") or ""
        return "".join(
            _RUNUSER_AS.format(
                runuser=runuser, user=user, account=entry.pw_name, home=f"/var/lib/{user}"
            )
            for user, entry in self._played.played_by.items()
        )

    def run(self, block: Block, script: str | None = None, user: str | None = None) -> Ran:
        """Run a block on its machine, and then what it told systemd to do.

        Args:
            block: of the guide.
            script: what is run in its place, in the words of this machine.
            user: whose shell it is typed into; None for root's.
        """
        machine = block.node or METER
        text = self._here(block.text, machine) if script is None else script
        self._exports += re.findall("^export .*", text, re.MULTILINE)
        shown = self.folder / "shown"
        with shown.open("w") as output:
            shell = ["bash", "-euo", "pipefail", "-c", "\n".join((*self._exports, text))]
            process = subprocess.Popen(
                shell if user is None else [str(self._bin / "runuser"), "-u", user, "--", *shell],
                cwd=self.path(machine, "/root"),
                env=self._environment(machine),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            assert process.stdin is not None
            process.stdin.write(self._typed(block).encode())
            process.stdin.close()
            end = time.monotonic() + PATIENCE_S
            while process.poll() is None and time.monotonic() < end:
                self._obey()
                time.sleep(_POLL_S)
            process.kill()  # which does nothing to one that has ended
            process.wait()
        as_shown = shown.read_text()
        if not self._hour and (found := _FIRST_USE.search(as_shown)):
            self._hour = found[1]
        return Ran(process.returncode, self._there(as_shown), as_shown)

    def happen(self, what: str) -> None:
        """Let something happen that the guide tells of."""
        if found := re.fullmatch("the disk of ([a-z0-9-]+) is new", what):
            home = self.path(found[1], _HOME)
            shutil.rmtree(home)
            self._make_folders(found[1])
        elif found := re.fullmatch("([a-z0-9-]+) is another machine", what):
            before = self.path(found[1], "/").rename(self.folder / f"{found[1]}-before")
            self._make_folders(found[1])
            for file in before.glob("root/*.tar"):
                shutil.copy(file, self.path(found[1], "/root"))
        elif found := re.fullmatch("somebody deletes the protection of ([a-z0-9-]+)", what):
            repo = self.forge.repo(found[1])
            repo.rules.clear()
            self.forge.org.changed(repo)
        elif what == "the forge moves to git.example":
            assert self.forge.ssh is not None
            self._first_ssh_root = self._ssh_root
            self.forge.ssh.move()
        else:
            raise AssertionError(what)

    def here(self, text: str, machine: str) -> str:
        """A command that was printed, as it is pasted on that machine."""
        if machine != METER:
            for home in (_HOME, _TILL):
                text = text.replace(home, str(self.path(machine, home)))
        return text

    def _here(self, text: str, machine: str) -> str:
        """The words of the guide as they are on this machine."""
        text = self.here(_replace(text, dict(self._table(machine))), machine)
        return text.replace(_HOUR, self._hour) if self._hour else text

    def _there(self, text: str) -> str:
        """What was shown in the words of the guide."""
        table = {ours: theirs for theirs, ours in self._table(METER) if len(ours) > 1}
        homes = {
            str(there): home for home in (_HOME, _TILL) for there in self.folder.glob(f"*{home}")
        }
        return _replace(text, table | homes)

    def _table(self, machine: str) -> list[tuple[str, str]]:
        forge, meter = self.forge, f"{self.folder}/{machine}"
        assert forge.ssh is not None
        host, port = forge.ssh.host, forge.ssh.port
        moved = [("ssh://git@git.example/", self._ssh_root),
                 ("ssh-keyscan git.example", f"ssh-keyscan -p {port} {host}")]  # fmt: skip
        listen = f"127.0.0.1:{self._port}"
        return [
            ("https://forge.example", forge.base_url),
            ("ssh://git@forge.example/", self._first_ssh_root or self._ssh_root),
            *(moved if self._first_ssh_root else []),
            ("ssh-keyscan forge.example", f"ssh-keyscan -p {port} {host}"),
            ("https://meter.example/webhook", f"http://{listen}/webhook"),
            ("127.0.0.1:8750", listen),
            ("https://hooks.example/gitmeter", self.receiver.url),
            (_CREDENTIALS, f"{meter}{_CREDENTIALS}"),
            ("/etc/gitmeter", f"{meter}/etc/gitmeter"),
            ("/var/lib/gitmeter", f"{meter}/var/lib/gitmeter"),
            ("/var/backups/gitmeter", f"{meter}/var/backups/gitmeter"),
            ("--directory / ", f"--directory {meter} "),
            ("/root/", f"{meter}/root/"),
            (" -o gitmeter ", self._owner("gitmeter")),
            (" -o node-pusher -g node-pusher ", self._owner("node-pusher", has_group=True)),
            ("forge.example ssh-ed25519", f"[{host}]:{port} ssh-ed25519"),
        ]

    @property
    def _ssh_root(self) -> str:
        """The address of the forge's repos over ssh, without the path of one."""
        assert self.forge.ssh is not None
        return self.forge.ssh.url_pattern.format(path="")

    def _environment(self, machine: str) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("XDG_")}
        return {
            **kept,
            "HOME": str(self.path(machine, "/root")),
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "MACHINE": machine,
            "AGGREGATOR_CONFIG": str(self.path(METER, "/etc/gitmeter/aggregator.toml")),
            "AGGREGATOR_STATE": str(self.path(METER, "/var/lib/gitmeter")),
            "BOOKS_HOME": str(self.path(machine, "/var/lib/gitmeter-books")),
            "NODE_PUSHER_HOME": str(self.path(machine, _HOME)),
            "TILL_HOME": str(self.path(machine, _TILL)),
            "TILL_CONFIG": str(self.path(machine, "/etc/gitmeter/till.toml")),
        }

    def _typed(self, block: Block) -> str:
        """What a person pastes where a block waits for it."""
        if "/dev/stdin /etc/gitmeter/forge_admin_token" in block.text:
            scopes = {"write:organization", "write:repository"}
            return self.forge.add_token("admin", scopes=scopes) + "\n"
        if "/dev/stdin /etc/gitmeter/token" in block.text:
            scopes = {"read:organization", "read:repository"}
            return self.forge.add_token("admin", scopes=scopes) + "\n"
        return ""

    def _obey(self) -> None:
        """Do what systemd was told to."""
        for order in self._orders.glob("*[0-9]"):
            machine, verb, *words = order.read_text().split()
            if words[-1] == "aggregator.service":
                self._stop_daemon()
                if verb not in {"stop", "disable"}:
                    self._start_daemon()
            self.ordered.append((machine, verb, words[-1]))
            order.unlink()

    def _start_daemon(self) -> None:
        config = self.path(METER, "/etc/gitmeter/aggregator.toml")
        if not config.read_text().startswith(_QUICKLY):
            config.write_text(_QUICKLY + config.read_text())
        self._hand_over_credentials()
        log = self._stack.enter_context((self.folder / "daemon.log").open("ab"))
        umask = read_unit("aggregator.service")["Service"]["UMask"][0]
        self._daemon = subprocess.Popen(
            [self._bin / "aggregator", "run"],
            cwd="/",
            env=self._environment(METER) | {"HOME": str(self.path(METER, "/var/lib/gitmeter"))},
            stderr=log,
            umask=int(umask, 8),
            user=self._account,
            group=self._account,
            extra_groups=[] if self._account else None,
        )
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self._daemon.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "daemon.log").read_text())

    def _stop_daemon(self) -> None:
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGTERM)
            self._daemon.wait(timeout=PATIENCE_S)
            self._daemon = None
            shutil.rmtree(self.path(METER, _CREDENTIALS))

    def _hand_over_credentials(self) -> None:
        """As the unit says; they are there while the daemon runs, and no longer."""
        folder = self.path(METER, _CREDENTIALS)
        folder.mkdir(parents=True)
        for stated in read_unit("aggregator.service")["Service"]["LoadCredential"]:
            name, _, file = stated.partition(":")
            there = self.path(METER, file)
            (folder / name).write_bytes(there.read_bytes() if there.exists() else b"not given")
            (folder / name).chmod(0o400)
            if self._account:
                shutil.chown(folder / name, self._account)

    def __enter__(self) -> Self:
        self._stack.enter_context(self.forge)
        self._stack.enter_context(self.receiver)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
        self._stack.close()


def _replace(text: str, table: dict[str, str]) -> str:
    """All of a table at once, so that nothing is replaced twice."""
    longest_first = sorted(table, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: table[found[0]], text)
