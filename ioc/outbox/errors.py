"""What can be wrong with the file of a queue of batches."""

from __future__ import annotations

from pathlib import Path


class OutboxError(Exception):
    """The queue's file cannot be used; the message names it. The one root of the tree:

    OutboxError
    ├── OutboxUnavailable   try again later: disk full, locked
    ├── OutboxTaken         another program has it open
    └── OutboxCorrupt       it cannot be read; a person must look
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path, self.what = path, what


class OutboxUnavailable(OutboxError):
    pass


class OutboxCorrupt(OutboxError):
    pass


class OutboxTaken(OutboxError):
    pass
