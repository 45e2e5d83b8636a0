"""Changes: `ChangeSet` is the one way in which rows that people manage are written.

`rows` are its statements for single rows, `frames` merges what arrives in bulk, `series` keeps
observations.
"""

from layers.changes.change_set import ChangeSet
from layers.changes.frames import Counts

__all__ = ["ChangeSet", "Counts"]
