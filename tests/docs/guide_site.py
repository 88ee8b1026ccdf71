"""The machines of the operator's guide, as folders: its commands run with the real programs.

The forge is the test forge with its sshd, the receiver of notifications a real web server. Only
three programs are stand-ins: `runuser` (one user does everything), `ssh` (a machine is a folder)
and `systemctl`, whose orders the site carries out itself, as the units say.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.request import urlopen

from tests.docs.guide import Block
from tests.support.forge import ForgeServer
from tests.support.local_http import free_port
from tests.support.receiver import ReceiverServer
from tests.systemd.units import read_unit

PROGRAMS: Final = Path(sys.executable).parent
METER: Final = "meter"
PATIENCE_S: Final = 120
"""Long after this what the guide shows does not come; nothing is asserted about less."""

_HOME: Final = "/var/lib/node-pusher"
_CREDENTIALS: Final = "/run/credentials/aggregator.service/"
_FOLDERS: Final = ("/etc/gitmeter", "/var/lib/gitmeter", "/var/lib/gitmeter-books", "/root")
_HOUR: Final = "2026-11-21T18"
"""In which the usage of the guide falls."""

_FIRST_USE: Final = re.compile(r"^embedder-01 seq 1 at (\d{4}-\d\d-\d\dT\d\d)", re.MULTILINE)

_POLL_S: Final = 0.02
_QUICKLY: Final = "pull_every_s = 5\npull_jitter_s = 0\n"
"""So that nobody waits five minutes for a registration."""

_RUNUSER: Final = """#!/bin/sh
# runuser -u USER -- COMMAND...
[ "$1" = -u ] && [ "$3" = -- ] || exit 64
shift 3
exec "$@"
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
export MACHINE NODE_PUSHER_HOME
here="s#/var/lib/node-pusher#$NODE_PUSHER_HOME#g"
there="s#@folder@/meter/#/#g;s#\\([ =]\\)/\\(etc/gitmeter\\|root\\)/#\\1$HERE/\\2/#g"
words=$(printf '%s' "$*" | sed "$there;$here")
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
        folder: for everything.
        nodes: names of the machines that ssh reaches.

    Attributes:
        forge: the forge.
        receiver: of notifications.
        ordered: machine, verb and unit of what systemd was told.
    """

    def __init__(self, folder: Path, nodes: tuple[str, ...]) -> None:
        self.folder = folder
        self.forge = ForgeServer(folder / "forge", org="hero_ops", has_ssh=True)
        self.receiver = ReceiverServer()
        self.ordered: list[tuple[str, str, str]] = []
        self._port = free_port()
        self._stack = ExitStack()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._hour = ""
        self._exports: list[str] = []
        for name in (METER, *nodes):
            self._furnish(name)
        self._bin = folder / "bin"
        self._bin.mkdir()
        ssh = shutil.which("ssh") or "ssh"
        for name, text in (("runuser", _RUNUSER), ("ssh", _SSH), ("systemctl", _SYSTEMCTL)):
            script = self._bin / name
            script.write_text(text.replace("@folder@", str(folder)).replace("@ssh@", ssh))
            script.chmod(0o755)
        self._orders = folder / "orders"
        self._orders.mkdir()

    def _furnish(self, machine: str) -> None:
        """Make the folders that the installation makes."""
        for place in (_HOME, *_FOLDERS):
            self.path(machine, place).mkdir(parents=True)

    def path(self, machine: str, path: str) -> Path:
        """A file of a machine."""
        return self.folder / machine / path.lstrip("/")

    def run(self, block: Block, script: str | None = None) -> Ran:
        """Run a block on its machine, and then what it told systemd to do.

        Args:
            block: of the guide.
            script: what is run in its place, in the words of this machine.
        """
        machine = block.node or METER
        text = self._here(block.text, machine) if script is None else script
        self._exports += re.findall("^export .*", text, re.MULTILINE)
        shown = self.folder / "shown"
        with shown.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", "\n".join((*self._exports, text))],
                cwd=self.path(METER, "/root"),
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
            home.mkdir()
        elif found := re.fullmatch("([a-z0-9-]+) is another machine", what):
            before = self.path(found[1], "/").rename(self.folder / f"{found[1]}-before")
            self._furnish(found[1])
            for file in before.glob("root/*.tar"):
                shutil.copy(file, self.path(found[1], "/root"))
        elif found := re.fullmatch("somebody deletes the protection of ([a-z0-9-]+)", what):
            repo = self.forge.repo(found[1])
            repo.rules.clear()
            self.forge.org.changed(repo)
        else:
            raise AssertionError(what)

    def here(self, text: str, machine: str) -> str:
        """A command that was printed, as it is pasted on that machine."""
        return text.replace(_HOME, str(self.path(machine, _HOME))) if machine != METER else text

    def _here(self, text: str, machine: str) -> str:
        """The words of the guide as they are on this machine."""
        text = self.here(_replace(text, dict(self._table(machine))), machine)
        return text.replace(_HOUR, self._hour) if self._hour else text

    def _there(self, text: str) -> str:
        """What was shown in the words of the guide."""
        table = {ours: theirs for theirs, ours in self._table(METER) if len(ours) > 1}
        homes = {str(home): _HOME for home in self.folder.glob(f"*{_HOME}")}
        return _replace(text, table | homes)

    def _table(self, machine: str) -> list[tuple[str, str]]:
        forge, meter = self.forge, f"{self.folder}/{machine}"
        assert forge.ssh is not None
        ssh_root = forge.ssh.url_pattern.format(path="")
        listen = f"127.0.0.1:{self._port}"
        return [
            ("https://forge.example", forge.base_url),
            ("ssh://git@forge.example/", ssh_root),
            ("-t ed25519 forge.example", f"-t ed25519 -p {forge.ssh.port} 127.0.0.1"),
            ("https://meter.example/webhook", f"http://{listen}/webhook"),
            ("127.0.0.1:8750", listen),
            ("https://hooks.example/gitmeter", self.receiver.url),
            (_CREDENTIALS, f"{meter}{_CREDENTIALS}"),
            ("/etc/gitmeter", f"{meter}/etc/gitmeter"),
            ("/var/lib/gitmeter", f"{meter}/var/lib/gitmeter"),
            ("/var/backups/gitmeter", f"{meter}/var/backups/gitmeter"),
            ("--directory / ", f"--directory {meter} "),
            ("/root/", f"{meter}/root/"),
            (" -o gitmeter ", " "),
            (" -o node-pusher -g node-pusher ", " "),
            ("forge.example ssh-ed25519", f"[127.0.0.1]:{forge.ssh.port} ssh-ed25519"),
        ]

    def _environment(self, machine: str) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{self._bin}:{PROGRAMS}:{os.environ['PATH']}",
            "MACHINE": machine,
            "AGGREGATOR_CONFIG": str(self.path(METER, "/etc/gitmeter/aggregator.toml")),
            "AGGREGATOR_STATE": str(self.path(METER, "/var/lib/gitmeter")),
            "BOOKS_HOME": str(self.path(machine, "/var/lib/gitmeter-books")),
            "NODE_PUSHER_HOME": str(self.path(machine, _HOME)),
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
        self._daemon = subprocess.Popen(
            [PROGRAMS / "aggregator", "run"], env=self._environment(METER), stderr=log
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
