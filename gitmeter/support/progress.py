"""How long work says how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], object]
"""Told the repo's name, commits done and commits in all."""
