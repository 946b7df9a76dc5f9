"""Lays a report out in a process of its own: its memory is given back, and it can be ended.

python -m ioc.reports FOLDER    reads FOLDER/report.json, writes FOLDER/report.pdf and .xlsx
"""

from __future__ import annotations

import sys
from pathlib import Path

from ioc.reports.excel import workbook
from ioc.reports.model import Report
from ioc.reports.pdf import document

MAKERS = {"pdf": document, "xlsx": workbook}


def main(folder: Path) -> None:
    """A line for each file that is made, as it is made."""
    report = Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
    for form in report.wanted.formats:
        made = MAKERS[form](report)
        part = folder / f"report.{form}.part"
        part.write_bytes(made)
        part.rename(folder / f"report.{form}")
        print(form, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
