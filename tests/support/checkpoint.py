"""A folder as it was, put back as often as a test needs it.

Made anew in the same place, because remotes and homes name each other by their paths.
"""

import shutil
from pathlib import Path


class Checkpoint:
    """Keeps a copy of a folder beside it.

    Args:
        folder: as it is to come back; nothing in it may be in use.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._copy = folder.with_name(f"{folder.name}.checkpoint")
        shutil.copytree(folder, self._copy, symlinks=True)

    def restore(self) -> None:
        """Put the folder back, whatever became of it."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._copy, self.folder, symlinks=True)
