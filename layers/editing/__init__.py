"""Edits by hand: what people change, one by one, through `ChangeSet` and by the same rules.

`apply` writes an `Edit` whole or not at all; `undo` is the edit that takes a change set back.
"""

from layers.editing.apply import apply
from layers.editing.edit import Delete, Done, Edit, Fault, Put, Written
from layers.editing.undo import undo

__all__ = ["Delete", "Done", "Edit", "Fault", "Put", "Written", "apply", "undo"]
