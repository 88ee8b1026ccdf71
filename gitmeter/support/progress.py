"""How long-running work reports its progress."""

from collections.abc import Callable

Progress = Callable[[str, int, int], object]
"""Called with the repo's name, the number of commits done, and of all commits."""
