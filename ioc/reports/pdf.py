"""A report as a PDF in the layout of Vietnamese administrative documents, by typst.

Everything is put into words by ioc.reports.told; the template only lays out. What it shows comes
to it as data, never as markup. Charts are drawn by the template from numbers between 0 and 1, so
that their labels are text in the same type.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import fontpkg_be_vietnam_pro
import typst

from ioc.reports.model import Report
from ioc.reports.told import told

TEMPLATE = Path(__file__).parent / "report.typ"


def document(report: Report) -> bytes:
    """The PDF file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / TEMPLATE.name).write_bytes(TEMPLATE.read_bytes())
        (root / "report.json").write_text(
            json.dumps(told(report), ensure_ascii=False), encoding="utf-8"
        )
        made: bytes = typst.compile(
            root / TEMPLATE.name,
            root=root,
            font_paths=[fontpkg_be_vietnam_pro.ROOT],
            ignore_system_fonts=True,
        )
        return made
