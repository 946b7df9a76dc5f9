"""Lays a report out in a process of its own: its memory is given back, and it can be ended.

python -m ioc.reports FOLDER    reads FOLDER/report.json, writes FOLDER/report.pdf and .xlsx

Ends when its standard input does: whoever wanted the report is gone then.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

from ioc.reports.excel import workbook
from ioc.reports.layout import FULL
from ioc.reports.model import Report
from ioc.reports.pdf import document

MAKERS = {"pdf": document, "xlsx": workbook}


def main(folder: Path) -> int:
    """A line for each file that is made, as it is made. Exit code FULL when the disk is full."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        make(folder)
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
        return FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else 1
    return 0


def make(folder: Path) -> None:
    """The files that the report names. Raises OSError."""
    report = Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
    for form in report.wanted.formats:
        part = folder / f"report.{form}.part"
        with part.open("wb") as file:
            file.write(MAKERS[form](report))
            file.flush()
            os.fsync(file.fileno())
        part.rename(folder / f"report.{form}")
        print(form, flush=True)


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
