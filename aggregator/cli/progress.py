"""A progress bar on standard error for long work; nothing where that is not a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

ProgressCallback = Callable[[str, int, int], None]


@contextmanager
def commits_progress(alive: Callable[[], object] = lambda: None) -> Iterator[ProgressCallback]:
    """A bar for each repo; the callback takes its name, the commits done, and of how many.

    Args:
        alive: called whenever the callback is.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def show(repo: str, done: int, total: int) -> None:
            if repo not in tasks:
                tasks[repo] = progress.add_task(repo, total=total)
            alive()
            progress.update(tasks[repo], completed=done)

        yield show
