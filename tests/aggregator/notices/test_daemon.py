"""The daemon itself tells, and tells nothing twice when it is killed and its ledger is lost."""

import signal
from collections import Counter
from pathlib import Path

from tests.support.ledger.running import running_daemon
from tests.support.ledger.world import World, money_line, usage_line
from tests.support.receiver import ReceiverServer


def test_a_killed_daemon_with_a_lost_ledger_tells_nothing_twice(tmp_path: Path) -> None:
    world = World(tmp_path, pull_every_s=5, pull_jitter_s=0, silent_after_s=0)
    world.rules()
    world.pay(money_line(amount="10.00"))
    world.repo("node-1")
    with ReceiverServer() as server:
        config = world.write_config()
        with config.open("a") as file:
            file.write(f'[notify]\nurl = "{server.url}"\n')
        with running_daemon(tmp_path, config) as daemon:
            daemon.listen(lambda: told(server)["started"] == 1)
            world.usage(usage_line(seq=1, units=7200))
            (tmp_path / "remotes" / "books.git").rename(tmp_path / "away")
            daemon.listen(lambda: told(server)["incident_opened"] == 1)
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
        (tmp_path / "notify").unlink()
        world.forget()
        with running_daemon(tmp_path, config) as daemon:
            daemon.listen(lambda: daemon.messages.count("STATUS=pulling") > 1)
            daemon.listen(lambda: told(server)["balance_low"] == 1)
            code, _ = daemon.leave()
        assert code == 0
        assert told(server) == {"started": 1, "incident_opened": 1, "balance_low": 1}


def told(server: ReceiverServer) -> Counter[str]:
    """How many different events of each kind arrived."""
    return Counter({event["id"]: event["event"] for event in server.taken()}.values())
