"""The listener as a process: what it promises to services, over its real socket."""

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from node_pusher.home.home import Home
from node_pusher.listener.group import GroupRecorder
from node_pusher.listener.protocol import Request
from node_pusher.listener.server import RecordListener
from node_pusher.listener.socket import own_socket
from node_pusher.spool.api import Spool
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import NODE, MakeHome
from tests.node_pusher.listener.listening import (
    PROGRAM,
    TIMEOUT_S,
    Client,
    Listening,
    lines_in,
    seqs,
    use,
)

ENDLESS_BYTES = 32 * 1024 * 1024
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")


def test_a_record_is_answered_with_what_is_in_the_spool(home: Home) -> None:
    with Listening(home.path) as listening, listening.client() as client:
        (answer,) = client.ask(use(3600, id="a-1", ts="2026-11-21T13:05:00Z"))
        assert answer == {"seq": 1, "ts": "2026-11-21T13:05:00Z", "id": "a-1"}
        (line,) = lines_in(home.path)
        assert (line["seq"], line["units"], line["id"]) == (1, 3600, "a-1")
        (answer,) = client.ask(use())
        assert set(answer) == {"seq", "ts"}


def test_a_retry_with_the_same_id_gets_the_same_seq(home: Home) -> None:
    with Listening(home.path) as listening:
        with listening.client() as client:
            (first,) = client.ask(use(id="k"))
        with listening.client() as client:
            again, other, plain = client.ask(use(id="k"), use(2, id="k"), use())
    assert again == {**first, "repeated": True}
    assert other["retry"] is False
    assert other["id"] == "k"
    assert "other content" in other["error"]
    assert plain["seq"] == first["seq"] + 1


BAD = (
    b"",
    b"{",
    b"[]",
    b"\xff\xfe",
    b'{"user":"a"}',
    b'{"user":"a","resource":"r","units":1} {"user":"a","resource":"r","units":1}',
    b'{"user":"a","resource":"r","units":1,"seq":7}',
    b'{"user":"a","resource":"r","units":-1}',
    b'{"user":"a b","resource":"r","units":1}',
    b'{"user":"a","resource":"r","units":1,"ts":"2999-01-01T00:00:00Z"}',
    b'{"user":"a","resource":"r","units":1,"ts":"yesterday"}',
)


@needs_root
def test_an_id_of_one_user_is_no_other_users(home: Home, tmp_path: Path) -> None:
    """Services that number their records from 1 use the same ids as their neighbours."""
    request = use(ts="2026-11-21T13:05:00Z", id="1")
    with Listening(home.path) as listening, ExitStack() as opened:
        for place, mode in ((tmp_path, 0o711), (home.path, 0o711), (listening.path, 0o666)):
            place.chmod(mode)
        clients = [opened.enter_context(listening.client())]
        os.seteuid(65534)
        try:
            clients.append(opened.enter_context(listening.client()))
        finally:
            os.seteuid(0)
        assert [client.ask(request)[0]["seq"] for client in clients] == [1, 2]
        again = [client.ask(request)[0] for client in clients]
        assert [(answer["seq"], answer["repeated"]) for answer in again] == [(1, True), (2, True)]
    with Spool.open(home.path) as spool:
        done = spool.record(user="alice", resource="hero_os/seconds", units=1,
                            ts="2026-11-21T13:05:00Z", id="1")  # fmt: skip
    assert (done.seq, done.repeated) == (1, True), "`record` by the same user"


def test_a_bad_line_costs_only_itself_and_is_told_as_record_tells_it(home: Home) -> None:
    with Listening(home.path) as listening, listening.client() as client:
        mixed = [line for bad in BAD for line in (bad, b'{"user":"a","resource":"r","units":1}')]
        answers = client.ask(*mixed)
    assert seqs(answers[1::2]) == list(range(1, len(BAD) + 1))
    assert all(answer["retry"] is False for answer in answers[::2])
    told = subprocess.run(
        [PROGRAM, "--home", home.path, "record", "-"],
        input=b"\n".join(bad or b"{" for bad in BAD),
        capture_output=True,
        check=False,
    )
    words = [line.partition(": ")[2] for line in told.stderr.decode().splitlines()]
    words[9] = answers[18]["error"]  # it states the time
    assert [answer["error"] for answer in answers[::2]] == words


def test_answers_come_in_order_on_each_connection(home: Home) -> None:
    def talk(number: int) -> list[int]:
        rng = Random(number)
        found: list[int] = []
        with listening.client() as client:
            for _ in range(20):
                burst = rng.randrange(1, 40)
                ids = [f"{number}-{len(found) + i}" for i in range(burst)]
                answers = client.ask(*(use(id=name) for name in ids))
                assert [answer["id"] for answer in answers] == ids
                found += seqs(answers)
        return found

    with Listening(home.path) as listening, ThreadPoolExecutor(8) as pool:
        given = list(pool.map(talk, range(8)))
    assert all(numbers == sorted(numbers) for numbers in given)
    in_all = sorted(chain.from_iterable(given))
    assert in_all == [line["seq"] for line in lines_in(home.path)]
    assert in_all == list(range(1, len(in_all) + 1))


class HeldRecorder(GroupRecorder):
    """Waits before its first group until it is let go; notes how large groups are."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, pytest.fail)
        self.sizes: list[int] = []
        self.has_begun = threading.Event()
        self.go_on = threading.Event()

    def record(self, requests: Sequence[Request], owners: Sequence[int] = ()) -> list[bytes]:
        """Record a group once it may."""
        self.sizes.append(len(requests))
        self.has_begun.set()
        self.go_on.wait(TIMEOUT_S)
        return super().record(requests, owners)


def test_what_arrives_during_a_transaction_shares_the_next_one(home: Home) -> None:
    async def talk(recorder: HeldRecorder, path: Path, server: RecordListener) -> None:
        line = json.dumps(use()).encode() + b"\n"
        first, *others = [await asyncio.open_unix_connection(str(path)) for _ in range(21)]
        first[1].write(line)
        await asyncio.to_thread(recorder.has_begun.wait, TIMEOUT_S)
        for _, writer in others:
            writer.write(line)
        while sum(not client._requests.is_empty for client in server._clients) < len(others):  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)
        recorder.go_on.set()
        for reader, writer in (first, *others):
            assert json.loads(await reader.readline())["seq"]
            writer.close()
        server.stop()

    async def serve(listening: socket.socket, recorder: HeldRecorder, path: Path) -> None:
        server = RecordListener(recorder)
        await asyncio.gather(
            server.serve(listening, lambda _state: None), talk(recorder, path, server)
        )

    path = Path("s")
    with HeldRecorder(home.path) as recorder, own_socket(path, shared=False) as listening:
        asyncio.run(serve(listening, recorder, path))
    assert recorder.sizes == [1, 20]


def test_a_client_that_reads_no_answers_is_held_back_and_delays_nobody(home: Home) -> None:
    line = json.dumps(use()).encode() + b"\n"
    with Listening(home.path) as listening, listening.client() as deaf:
        sent = 0
        deaf.socket.settimeout(0)
        with listening.client() as other:
            blocked = 0
            while blocked < 20 and sent < ENDLESS_BYTES:  # the listener may just be at work
                try:
                    sent += deaf.socket.send((line * 1000)[sent % len(line) :])
                    blocked = 0
                except BlockingIOError:
                    blocked += 1
                    assert other.ask(use(2))[0]["seq"]
        assert sent < ENDLESS_BYTES
        deaf.socket.settimeout(TIMEOUT_S)
        missing = -sent % len(line)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(deaf.socket.sendall, line[len(line) - missing :])
            answers = [deaf.answer() for _ in range((sent + missing) // len(line))]
    recorded = [entry["seq"] for entry in lines_in(home.path) if entry["units"] == 1]
    assert seqs(answers) == recorded


def test_a_line_without_its_end_is_not_recorded(home: Home) -> None:
    with Listening(home.path) as listening:
        with listening.client() as client:
            client.socket.sendall(json.dumps(use()).encode() + b"\n" + json.dumps(use(2)).encode())
            recorded, cut = client.rest()
        assert recorded["seq"] == 1
        assert cut["retry"] is True
        with listening.client() as client:
            client.socket.sendall(json.dumps(use(3)).encode())
        with listening.client() as client:
            assert client.ask(use(4))[0]["seq"] == 2
    assert [line["units"] for line in lines_in(home.path)] == [1, 4]


def test_whole_lines_of_a_client_that_hung_up_are_recorded(home: Home) -> None:
    with Listening(home.path) as listening:
        with listening.client() as client:
            client.send(*[use()] * 100)
        with listening.client() as client:
            while len(lines_in(home.path)) < 100:
                client.ask(b"")
        listening.stop()
    assert len(lines_in(home.path)) == 100


@pytest.mark.parametrize("has_end", [True, False])
def test_a_line_that_is_too_long_ends_its_connection_after_its_answer(
    home: Home, *, has_end: bool
) -> None:
    with Listening(home.path) as listening, listening.client() as other:
        with listening.client() as client:
            client.send(use())
            long = b"x" * 9000 + (b"\n" + json.dumps(use(2)).encode() + b"\n" if has_end else b"")
            client.socket.sendall(long)
            assert client.answer()["seq"] == 1
            told = client.answer()
            assert told == {
                "error": "longer than 8192 bytes; this connection is closed",
                "retry": False,
            }
            with pytest.raises(EOFError):
                client.answer()
        assert other.ask(use(3))[0]["seq"] == 2
    assert [line["units"] for line in lines_in(home.path)] == [1, 3]


def say_nothing(_client: Client) -> None:
    """It connected, and that was all."""


def half_a_line(client: Client) -> None:
    """It began a request, and says nothing more."""
    client.socket.sendall(b'{"user":')


def read_nothing(client: Client) -> None:
    """It sends as much as is taken from it, and reads no answer."""
    client.socket.settimeout(1)
    with suppress(TimeoutError):
        while True:
            client.socket.sendall(json.dumps(use()).encode() + b"\n")


@pytest.mark.parametrize("keeps_busy", [say_nothing, half_a_line, read_nothing])
def test_clients_that_say_nothing_keep_nobody_out(
    home: Home, keeps_busy: Callable[[Client], None]
) -> None:
    with Listening(home.path, "--connections", "3") as listening, ExitStack() as opened:
        idle = [opened.enter_context(listening.client()) for _ in range(3)]
        for client in idle:
            keeps_busy(client)
        for _ in range(5):
            with listening.client() as honest:
                assert honest.ask(use(2))[0]["seq"]


def test_the_connection_that_was_used_last_stays(home: Home) -> None:
    with Listening(home.path, "--connections", "2") as listening, listening.client() as first:
        with listening.client() as second:
            assert [client.ask(use())[0]["seq"] for client in (second, first)] == [1, 2]
            with listening.client() as third:
                assert third.ask(use())[0]["seq"] == 3
            with pytest.raises((EOFError, ConnectionError)):
                second.answer()
        assert first.ask(use())[0]["seq"] == 4


def test_who_comes_while_all_are_at_work_is_told_to_come_again(home: Home) -> None:
    async def talk(recorder: HeldRecorder, path: Path, server: RecordListener) -> None:
        line = json.dumps(use()).encode() + b"\n"
        busy = [await asyncio.open_unix_connection(str(path)) for _ in range(2)]
        for _, writer in busy:
            writer.write(line)
        await asyncio.to_thread(recorder.has_begun.wait, TIMEOUT_S)
        while not all(client.seat.is_idle is False for client in server._clients):  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)
        late = await asyncio.open_unix_connection(str(path))
        while len(server._clients) < 3:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        recorder.go_on.set()
        told = json.loads(await late[0].readline())
        assert told == {"error": "too many connections", "retry": True}
        for reader, _ in busy:
            assert json.loads(await reader.readline())["seq"]
        for _, writer in (*busy, late):
            writer.close()
        server.stop()

    async def serve(listening: socket.socket, recorder: HeldRecorder, path: Path) -> None:
        server = RecordListener(recorder, connections_max=2)
        await asyncio.gather(
            server.serve(listening, lambda _state: None), talk(recorder, path, server)
        )

    path = Path("s")
    with HeldRecorder(home.path) as recorder, own_socket(path, shared=False) as listening:
        asyncio.run(serve(listening, recorder, path))


def test_sigterm_records_and_answers_what_was_received(home: Home) -> None:
    answered: list[int] = []
    enough = threading.Event()

    def talk() -> None:
        with listening.client() as client, suppress(EOFError, ConnectionError, KeyError):
            while True:
                answered.extend(seqs(client.ask(*[use()] * 5)))
                if len(answered) > 200:
                    enough.set()

    with Listening(home.path) as listening, ThreadPoolExecutor(6) as pool:
        for _ in range(6):
            pool.submit(talk)
        enough.wait(TIMEOUT_S)
        assert "stopped" in listening.stop()
    recorded = [line["seq"] for line in lines_in(home.path)]
    assert recorded == list(range(1, len(recorded) + 1))
    assert set(answered) <= set(recorded)
    assert not (home.path / "listen.sock").exists()


class RefillingRecorder(GroupRecorder):
    """With each group that it writes, the client has sent the next line already."""

    def __init__(self, home: Path, client: socket.socket, stop: Callable[[], None]) -> None:
        super().__init__(home, pytest.fail)
        self.groups = 0
        self._client = client
        self._stop = stop

    def record(self, requests: Sequence[Request], owners: Sequence[int] = ()) -> list[bytes]:
        """Record a group, and let it be told to stop while the third is written."""
        self.groups += 1
        if self.groups == 3:
            self._stop()
        if self.groups < 1000:
            with suppress(BrokenPipeError):
                self._client.sendall(json.dumps(use()).encode() + b"\n")
        return super().record(requests, owners)


def test_a_client_that_sends_without_end_does_not_keep_it_from_ending(home: Home) -> None:
    async def serve() -> int:
        loop = asyncio.get_running_loop()
        with (
            own_socket(Path("s"), shared=False) as listening,
            socket.socket(socket.AF_UNIX) as client,
            RefillingRecorder(
                home.path, client, lambda: void(loop.call_soon_threadsafe(server.stop))
            ) as recorder,
        ):
            client.connect("s")
            client.sendall(b"{}\n")
            server = RecordListener(recorder)
            await server.serve(listening, lambda _state: None)
            return recorder.groups

    assert asyncio.run(serve()) < 10


def void(_result: object) -> None:
    """Take no notice of a result."""


def test_a_client_that_reads_nothing_does_not_keep_it_from_ending(home: Home) -> None:
    with Listening(home.path) as listening, listening.client() as deaf:
        deaf.socket.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                deaf.socket.send(json.dumps(use()).encode() + b"\n")
        assert "stopped" in listening.stop()


def test_systemd_hears_when_it_is_ready_and_when_it_stops(home: Home) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("notify")
        systemd.settimeout(TIMEOUT_S)
        variables = {"NOTIFY_SOCKET": str(Path("notify").absolute())}
        with Listening(home.path, variables=variables) as listening:
            assert systemd.recv(100) == b"READY=1"
            listening.stop()
        assert systemd.recv(100) == b"STOPPING=1"


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd is not here")
def test_systemd_may_hand_its_socket_over(home: Home, tmp_path: Path) -> None:
    """The client connects before the listener is there, and its file is left to systemd."""
    path = tmp_path / "s"
    with subprocess.Popen(
        ["systemd-socket-activate", "-l", path, PROGRAM, "--home", home.path, "listen"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "Listening on" in process.stderr.readline()
        with Client(path) as client:
            assert client.ask(use())[0]["seq"] == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_S) == 0
    assert path.exists()
    assert not (home.path / "listen.sock").exists()


def test_the_socket_is_open_to_the_group_only_where_the_home_is(make_home: MakeHome) -> None:
    for name, mode, expected in (("alone", 0o700, 0o600), ("shared", 0o2770, 0o660)):
        home = make_home(name, node=f"{NODE}-{name}")
        home.path.chmod(mode)
        with Listening(home.path) as listening:
            assert stat.S_IMODE(listening.path.stat().st_mode) == expected
        shutil.rmtree(home.path.parent / "remote.git")
        from tests.support.repos import bare_repo

        bare_repo(home.path.parent / "remote.git")


def test_a_second_listener_is_refused_and_the_first_one_goes_on(home: Home) -> None:
    with Listening(home.path) as first:
        second = Listening(home.path)
        said = second.until_ready()
        assert said == f"error: another process listens at {home.path / 'listen.sock'} already\n"
        assert second.process.wait(TIMEOUT_S) == 1
        second.kill()
        with first.client() as client:
            assert client.ask(use())[0]["seq"] == 1


def test_a_socket_of_another_program_is_not_taken_over(home: Home) -> None:
    """It holds no lock of ours, but it answers."""
    path = home.path / "listen.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(os.path.relpath(path))
        other.listen()
        said = subprocess.run(
            [PROGRAM, "--home", home.path, "listen"],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    assert said.returncode == 1
    assert "another process listens at" in said.stderr
    assert path.exists()


def test_what_a_killed_listener_left_is_swept(home: Home) -> None:
    with Listening(home.path) as listening:
        with listening.client() as client:
            assert client.ask(use())[0]["seq"] == 1
        listening.kill()
        assert listening.path.exists()
        with Listening(home.path) as again, again.client() as client:
            assert client.ask(use())[0]["seq"] == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("listen.txt", "is there and is no socket"),
        ("x" * 120, "longer than the 107 bytes"),
        ("nowhere/s", "No such file or directory"),
    ],
)
def test_a_path_that_cannot_be_a_socket_is_refused(home: Home, path: str, words: str) -> None:
    Path("listen.txt").write_text("notes\n")
    said = subprocess.run(
        [PROGRAM, "--home", home.path, "listen", "--socket", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert words in said.stderr
    assert Path("listen.txt").read_text() == "notes\n"


def test_a_spool_that_is_taken_away_acknowledges_nothing(home: Home) -> None:
    """Its open file would take records that vanish with it."""
    spool = home.spool_file
    with Listening(home.path) as listening, listening.client() as client:
        assert client.ask(use())[0]["seq"] == 1
        kept = spool.with_name("kept.db")
        for suffix in ("", "-wal", "-shm"):
            Path(f"{spool}{suffix}").rename(f"{kept}{suffix}")
        for _ in range(2):
            (answer,) = client.ask(use(id="k"))
            assert answer["retry"] is True
            assert answer["id"] == "k"
        Store.create(spool, NODE, 1_000_000_001).close()
        (answer,) = client.ask(use(id="k"))
        assert answer["seq"] == 1_000_000_001
        said = listening.stop()
    assert "the spool was replaced" in said
    assert "the spool can be written again" in said
    assert [line["seq"] for line in lines_in(home.path)] == [1_000_000_001]


@needs_root
def test_on_a_full_disk_records_are_to_be_sent_again(make_home: MakeHome, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=True)
    try:
        home = make_home("disk/home")
        filler = disk / "filler"
        with Listening(home.path) as listening, listening.client() as client:
            assert client.ask(use(id="a"))[0]["seq"] == 1
            fill(filler)
            answers = client.ask(*(use(id=f"b{i}", instance="x" * 100) for i in range(900)), b"{}")
            bad = answers.pop()
            assert bad["retry"] is False
            taken = [answer for answer in answers if "seq" in answer]
            refused = [answer for answer in answers if "seq" not in answer]
            assert refused
            assert all(a["retry"] and "full; nothing was recorded" in a["error"] for a in refused)
            filler.unlink()
            again = client.ask(*(use(id=a["id"], instance="x" * 100) for a in refused))
            assert len({*seqs(taken), *seqs(again)}) == 900
            listening.stop()
        assert len(lines_in(home.path)) == 901
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(file: Path) -> None:
    """Write until the disk is full."""
    try:
        with file.open("wb", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass
    except OSError:
        return


def test_many_clients_are_served_at_once_and_leave_no_files_open(home: Home) -> None:
    with Listening(home.path) as listening:
        clients = [listening.client() for _ in range(200)]
        for client in clients:
            client.send(*[use()] * 50)
        for client in clients:
            assert len(seqs(client.answer() for _ in range(50))) == 50
        for client in clients:
            client.close()
        with listening.client() as client:
            assert client.ask(use())[0]["seq"] == 200 * 50 + 1
            while len([*Path(f"/proc/{listening.process.pid}/fd").iterdir()]) > 30:
                client.ask(b"")


def test_other_programs_record_into_the_same_home_meanwhile(home: Home) -> None:
    with (
        Listening(home.path) as listening,
        listening.client() as client,
        Spool.open(home.path) as spool,
    ):
        for expected in range(1, 40, 2):
            assert client.ask(use())[0]["seq"] == expected
            assert spool.record(user="b", resource="r", units=1).seq == expected + 1
