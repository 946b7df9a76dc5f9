"""The PDF and the workbook themselves: read back, measured, held against each other."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from pypdf.generic import ContentStream

from ioc.reports.excel import workbook
from ioc.reports.gather import Sources, gather
from ioc.reports.model import Event, Layout, Report, Wanted
from ioc.reports.pdf import document
from ioc.reports.told import told

PDFTOTEXT = shutil.which("pdftotext")
SOFFICE = shutil.which("soffice")
MM = 72 / 25.4
NOVEMBER = Wanted(every="month", since=date(2026, 11, 1), until=date(2026, 11, 30))
LONG = "Trung tâm Phục vụ hành chính công liên xã Thượng Nguyễn Khuê Ngưỡng Nghiễm Đặng Khuỷu"
MARKUP = (
    '#set page(fill: red) $x^2$ @ref <l> *b* _e_ `r` \\ "q" \'a\' #include "/etc/passwd" [x]{y} //'
)
EVERY_LETTER = (
    "ắằẳẵặấầẩẫậáàảãạăâđếềểễệéèẻẽẹêíìỉĩịốồổỗộớờởỡợóòỏõọôơứừửữựúùủũụưýỳỷỹỵ"
    "ẮẰẲẴẶẤẦẨẪẬÁÀẢÃẠĂÂĐẾỀỂỄỆÉÈẺẼẸÊÍÌỈĨỊỐỒỔỖỘỚỜỞỠỢÓÒỎÕỌÔƠỨỪỬỮỰÚÙỦŨỤƯÝỲỶỸỴ"
)


@pytest.fixture(scope="session")
def november(sources: Sources) -> Report:
    return gather(sources, NOVEMBER, lambda _share, _stage: None)


@pytest.fixture(scope="session")
def pages(november: Report) -> list[str]:
    return text_of(document(november))


def text_of(pdf: bytes) -> list[str]:
    return [plain(page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def plain(text: str) -> str:
    """One space between words, none where a word may break."""
    return " ".join(text.replace("\u200b", "").replace("\u00a0", " ").split())


def renamed(report: Report, *names: str) -> Report:
    """The same figures under other names, everywhere."""
    name = lambda i: names[i % len(names)]  # noqa: E731
    targets = [
        target.model_copy(
            update={
                "name": name(n),
                "by": name(n + 1),
                "area": target.area.model_copy(
                    update={"origin": name(n), "document": name(n + 1), "conflict": name(n)}
                ),
                "places": tuple(
                    place.model_copy(update={"name": name(i)})
                    for i, place in enumerate(target.places)
                ),
            }
        )
        for n, target in enumerate(report.targets)
    ]
    rows = {
        part: tuple(
            row.model_copy(update={"name": name(i), "place": name(i + 1), "provider": name(i)})
            for i, row in enumerate(getattr(report, part))
        )
        for part in ("links", "services", "places")
    }
    events = [
        event.model_copy(update={"place": name(i), "what": name(i + 1), "cause": name(i)})
        for i, event in enumerate(report.events)
    ]
    layout = Layout(
        above=names[0], authority=names[0], number="/BC-UBND", place=names[0],
        signer=names[:2], recipients=names,
    )  # fmt: skip
    return report.model_copy(
        update={
            "subject": names[0],
            "targets": tuple(targets),
            "events": tuple(events),
            "layout": layout,
            **rows,
        }
    )


# --- the letters


def test_the_text_is_vietnamese_as_composed_letters(pages: list[str], november: Report) -> None:
    text = " ".join(pages)
    assert unicodedata.is_normalized("NFC", text)
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "BÁO CÁO",
        "ỦY BAN NHÂN DÂN HUYỆN CHỢ ĐỒN", "Chợ Đồn, ngày 25 tháng 11 năm 2026",
        "của huyện Chợ Đồn, tháng 11 năm 2026", "Kỳ báo cáo chưa kết thúc", "Nơi nhận:",
        "TM. ỦY BAN NHÂN DÂN CHỦ TỊCH", "Phụ lục I SỐ LIỆU THEO ĐƠN VỊ",
    ):  # fmt: skip
        assert said in text, said
    for target in november.targets:
        assert target.name in text


def test_no_letter_is_without_a_glyph(november: Report) -> None:
    pdf = document(renamed(november, EVERY_LETTER[:70], EVERY_LETTER[70:], "≥ − – … · × ≤ ± “ ” ’"))
    reader = PdfReader(io.BytesIO(pdf))
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all("BeVietnamPro" in font for font in fonts), "a letter came from another font"
    missing = [
        (number, text)
        for number, page in enumerate(reader.pages, start=1)
        for text in shown(page, reader)
        if any(text[i : i + 2] == b"\0\0" for i in range(0, len(text), 2))
    ]
    assert not missing, "glyph 0 stands for a letter that the font does not have"
    text = "".join(page.extract_text() for page in reader.pages)
    assert not set(EVERY_LETTER) - set(text)


def shown(page: Any, reader: PdfReader) -> Iterator[bytes]:
    """The glyph numbers of each text that a page shows, two bytes each."""
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator in (b"Tj", b"TJ"):
            some = operands[0] if isinstance(operands[0], list) else operands
            yield from (raw(one) for one in some if not isinstance(one, int | float))


def raw(text: Any) -> bytes:
    return bytes(getattr(text, "original_bytes", text))


# --- the page


@pytest.mark.skipif(PDFTOTEXT is None, reason="no pdftotext (Debian package poppler-utils)")
@pytest.mark.parametrize(
    "names",
    [(), (LONG, LONG.upper()), ("Ư" * 200, "https://dich-vu-cong.example.vn/" + "w" * 160)],
    ids=["as-it-is", "longest-names", "words-without-an-end"],
)
def test_nothing_stands_outside_the_margins(
    november: Report, names: tuple[str, ...], tmp_path: Path
) -> None:
    made = renamed(november, *names) if names else november
    (tmp_path / "report.pdf").write_bytes(document(made))
    command = [str(PDFTOTEXT), "-bbox", "report.pdf", "-"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    word = re.compile(r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*)<')
    words = [(*map(float, m.groups()[:4]), m[5]) for m in word.finditer(found.stdout)]
    assert len(words) > 1000
    left, right = 30 * MM - 0.5, (210 - 17) * MM + 0.5
    outside = [w for w in words if w[0] < left or w[2] > right or w[3] > (297 - 20) * MM + 2]
    assert not outside, outside[:5]


def test_pages_are_few_and_numbered_from_the_second_on(pages: list[str]) -> None:
    assert 8 <= len(pages) <= 20
    assert not pages[0].startswith("1")
    assert all(page.startswith(str(number)) for number, page in enumerate(pages[1:], start=2))


def test_tables_that_go_on_repeat_their_heading(pages: list[str]) -> None:
    heading = "STT Chỉ tiêu Mục tiêu Kết quả"
    with_it = [number for number, page in enumerate(pages) if heading in page]
    assert len(with_it) >= 2
    assert all(later - earlier == 1 for earlier, later in pairwise(with_it))


def test_the_signature_stands_before_the_annexes(pages: list[str]) -> None:
    signature = next(i for i, page in enumerate(pages) if "TM. ỦY BAN NHÂN DÂN" in page)
    annex = next(i for i, page in enumerate(pages) if "Phụ lục I" in page)
    assert signature < annex
    assert "Trên đây là báo cáo" in pages[signature], "the signature never stands alone"


# --- what comes from outside stays text


def test_markup_in_names_is_printed_and_never_obeyed(november: Report) -> None:
    text = " ".join(text_of(document(renamed(november, MARKUP, MARKUP[::-1]))))
    squeezed = text.replace(" ", "")
    assert MARKUP.replace(" ", "") in squeezed
    assert "root:x:0" not in text


def test_formulas_in_names_stay_texts_in_the_workbook(november: Report) -> None:
    nasty = ('=HYPERLINK("http://a")', "+1+1", "-1", "@SUM(A1)", "\x07\x00chuông", "a" * 40_000)
    book = load_workbook(io.BytesIO(workbook(renamed(november, *nasty))))
    formulas = {
        cell.value for sheet in book for row in sheet.iter_rows() for cell in row
        if cell.data_type == "f"
    }  # fmt: skip
    assert formulas
    assert all(re.match(r"=(SUM|SUMIFS)\(", str(formula)) for formula in formulas)
    texts = {cell.value for row in book["Chỉ tiêu"].iter_rows(min_row=2) for cell in row}
    assert {'=HYPERLINK("http://a")', "@SUM(A1)", "chuông"} <= texts


# --- the workbook


def test_numbers_are_numbers_and_days_are_days(november: Report) -> None:
    book = load_workbook(io.BytesIO(workbook(november)))
    sheet = book["Chỉ tiêu"]
    head = {cell.value: cell.column for cell in sheet[1]}
    for row, target in enumerate(november.targets, start=2):
        at = lambda name, row=row: sheet.cell(row, head[name])  # noqa: E731
        assert at("Chỉ tiêu").value == target.name
        share = None if target.area.value is None else target.area.value / 100
        assert at("Kết quả").value == (None if share is None else pytest.approx(share, rel=1e-14))
        assert re.fullmatch(r"0\.0+%", at("Kết quả").number_format) or share is None
        day = at("Tính đến").value
        if target.area.as_of is not None:
            assert isinstance(day, datetime)
            assert (day.date().isoformat(), at("Tính đến").number_format) == (
                target.area.as_of,
                "dd/mm/yyyy",
            )
        if target.goal is not None:
            assert at("Mục tiêu").value == target.goal / 100
    incidents = book["Sự cố"]
    assert isinstance(incidents.cell(2, 5).value, datetime)
    assert incidents.freeze_panes == "B2"
    assert incidents.print_title_rows == "$1:$1"


def test_each_table_has_its_sheet_with_its_rows(november: Report) -> None:
    book = load_workbook(io.BytesIO(workbook(november)))
    rows = {sheet.title: sheet.max_row - 1 for sheet in book}
    assert rows["Chỉ tiêu"] == len(november.targets)
    assert rows["Theo đơn vị"] == sum(len(t.places) for t in november.targets)
    assert rows["Đường truyền"] == len(november.links) + 1  # the sums
    assert rows["Sự cố"] == len(november.events) + 1


@pytest.mark.skipif(SOFFICE is None, reason="no soffice (Debian package libreoffice-calc-nogui)")
@pytest.mark.timeout(240)
def test_libreoffice_opens_it_and_its_sums_are_those_of_the_pdf(
    november: Report, pages: list[str], tmp_path: Path
) -> None:
    (tmp_path / "report.xlsx").write_bytes(workbook(november))
    command = [
        str(SOFFICE), f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
        "--convert-to", "ods", "--outdir", str(tmp_path), "report.xlsx",
    ]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    back = [*command[:3], "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir",
            str(tmp_path / "back"), "report.ods"]  # fmt: skip
    subprocess.run(back, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    book = load_workbook(tmp_path / "back" / "report.xlsx", data_only=True)
    sheet = book["Chỉ tiêu"]
    head = {cell.value: cell.column for cell in sheet[1]}
    shown = {part["name"].partition(". ")[0]: part["total"] for part in told(november)["places"]}
    text = " ".join(pages)
    compared = 0
    for row, target in enumerate(november.targets, start=2):
        number = str(sheet.cell(row, head["STT"]).value)
        numerator = sheet.cell(row, head["Cộng các đơn vị: tử số"]).value
        denominator = sheet.cell(row, head["Cộng các đơn vị: mẫu số"]).value
        if number in shown and shown[number][0] != "–":
            total = shown[number]
            assert (dots(numerator), dots(denominator)) == (total[0], total[1]), target.name
            assert f"Tổng cộng {total[0]} {total[1]} {total[2]}" in text
            if target.area.source != "declared" or target.area.origin == "":
                area = target.area
                assert (numerator, denominator) == (area.numerator, area.denominator), target.name
            compared += 1
    assert compared >= 10
    lines = book["Đường truyền"]
    down = next(c.column for c in lines[1] if c.value == "Gián đoạn")
    total_down = lines.cell(lines.max_row, down).value
    milliseconds = sum(row.day.down for row in november.links)
    assert in_days(total_down) == pytest.approx(milliseconds / 86_400_000, abs=1e-4)
    errors = [c.value for s in book for r in s.iter_rows() for c in r if c.data_type == "e"]
    assert not errors


def dots(number: Any) -> str:
    return f"{int(number):,}".replace(",", ".")


def in_days(value: Any) -> float:
    """A span of time as openpyxl reads it back."""
    if isinstance(value, int | float):
        return float(value)
    if hasattr(value, "total_seconds"):
        return value.total_seconds() / 86_400
    if isinstance(value, datetime):
        return (value - datetime(1899, 12, 30)).total_seconds() / 86_400
    return (value.hour * 3600 + value.minute * 60 + value.second) / 86_400


# --- the rest of what is asked for


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_period_before_any_data_says_so_and_shows_no_zero(
    sources: Sources, language: str
) -> None:
    asked = Wanted(
        every="year", since=date(2019, 1, 1), until=date(2019, 12, 31), language=language
    )  # type: ignore[arg-type]  # fmt: skip
    made = gather(sources, asked, lambda _share, _stage: None)
    text = " ".join(text_of(document(made)))
    assert ("chưa có dữ liệu" if language == "vi" else "no data") in text
    assert not re.search(r"(?<![\d,.])0 %", text)
    assert not re.search(r"(?<![\d])0 (phút|min)\b", text)
    book = load_workbook(io.BytesIO(workbook(made)))
    sheet = book.worksheets[1]
    values = {c.value for row in sheet.iter_rows(min_row=2) for c in row if c.column in (4, 5, 6)}
    assert values == {None}


def test_of_one_unit_in_english(sources: Sources) -> None:
    asked = Wanted(every="quarter", since=date(2026, 10, 1), until=date(2026, 12, 31),
                   place="yen-thinh", language="en")  # fmt: skip
    made = gather(sources, asked, lambda _share, _stage: None)
    text = " ".join(text_of(document(made)))
    assert "Xã Yên Thịnh, quarter IV of 2026" in text
    assert "SOCIALIST REPUBLIC OF VIETNAM" in text
    assert "Chợ Đồn, 25 November 2026" in text
    words = re.findall(r"\b(đạt|chưa|kết xuất|tháng|gián đoạn)\b", text)
    assert not words


def test_an_empty_report_and_a_single_incident_can_be_laid_out() -> None:
    empty = Report(
        wanted=NOVEMBER, subject="Huyện thử", zone="Asia/Ho_Chi_Minh",
        made_at="2026-11-25T08:00:00+07:00", running=True, simulated=True,
        layout=Layout(above="", authority="UBND", number="", place="", signer=(), recipients=()),
        targets=(), links=(), services=(), places=(), work_hours=False, events=(), counted={},
    )  # fmt: skip
    assert "MÔ PHỎNG" in " ".join(text_of(document(empty)))
    event = Event(id=1, severity="critical", place="Xã a", what="mất điện", since=0, until=None,
                  length=60_000, cause="")  # fmt: skip
    one = empty.model_copy(update={"events": (event,), "counted": {"critical": 1}})
    assert "mất điện" in " ".join(text_of(document(one)))
    assert load_workbook(io.BytesIO(workbook(empty))).sheetnames
