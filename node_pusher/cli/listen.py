"""`node-pusher listen`: services in any language record over a Unix socket."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import click

from gitmeter.support.terminal import escape
from node_pusher.cli.home import load_home


@click.command()
@click.option("--socket", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="Where services connect.  [default: HOME/listen.sock]")  # fmt: skip
@click.option("--connections", type=click.IntRange(min=1), default=256, show_default=True,
              help="How many clients at once; for one more, an idle one is closed.")  # fmt: skip
@click.pass_obj
def listen(home: Path, /, path: Path | None, connections: int) -> None:
    """Record what services send over a Unix socket, until SIGTERM.

    A service sends one JSON object a line, with the keys of `record -`, and gets one line back for
    each, in order, once the record is on disk:

    \b
    {"seq":17,"ts":"2026-11-21T13:05:00Z"}   recorded; with the `id` that was sent
    {"error":"...","retry":false}            not recorded; the line is wrong
    {"error":"...","retry":true}             not recorded for now; send it again later

    Clients in Python and shell: docs/clients/. Records of clients that wait at the same time share
    one transaction. If the home's group may write to it, it may connect. What was received before
    SIGTERM is recorded and answered; a line without an answer may be recorded or not, so send it
    again with the same `id`.

    \b
    node-pusher listen
    echo '{"user":"alice","resource":"hero_os/seconds","units":3600}' |
        nc -N -U /var/lib/node-pusher/listen.sock
    """
    import sdnotify

    from node_pusher.home.layout import is_shared, socket_file
    from node_pusher.listener.group import GroupRecorder
    from node_pusher.listener.server import RecordListener
    from node_pusher.listener.socket import inherited_socket, own_socket

    settings = load_home(home)
    systemd = sdnotify.SystemdNotifier()

    def say(sentence: str) -> None:
        click.echo(escape(sentence), err=True)

    def notify(state: str) -> None:
        if state == "READY=1":
            say(f"{settings.node}: listening at {where}")
        systemd.notify(state)

    with ExitStack() as opened:
        recorder = opened.enter_context(GroupRecorder(settings.path, say))
        listening = inherited_socket()
        if listening is None:
            path = path or socket_file(settings.path)
            shared = is_shared(settings.path)
            listening = opened.enter_context(own_socket(path, shared=shared))
        where = listening.getsockname()
        asyncio.run(RecordListener(recorder, connections).serve(listening, notify))
    say(f"{settings.node}: stopped; everything received was recorded and answered")
