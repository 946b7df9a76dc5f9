"""Readings, tables of readings and machine reports, as the API takes and answers them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.figures import Percent, Time, Why, iso, iso_or_null, why
from ioc.api.target_models import Day, Place
from ioc.ledger.adequacy import Grade, Judgement, MachineReport
from ioc.ledger.model import Reading, Source
from ioc.ledger.records import Outcome
from ioc.ledger.sheets import Imported, RowMistake

MOST = 10**12  # of anything that is counted in a district


class ReadingIn(BaseModel):
    """A reading to declare. Figures as whole numbers; as_of: 2026-09-30 or 30/09/2026."""

    model_config = ConfigDict(extra="forbid")

    place: Annotated[str | None, Field(max_length=200, examples=["yen-thinh"])] = None
    source: Annotated[Literal["declared", "exported"] | None, Field()] = None
    as_of: Annotated[str, Field(max_length=30, examples=["2026-09-30"])]
    numerator: Annotated[int, Field(ge=0, le=MOST, examples=[412])]
    denominator: Annotated[int, Field(ge=0, le=MOST, examples=[450])]
    origin: Annotated[str, Field(max_length=500, examples=["Bộ phận một cửa"])] = ""
    document: Annotated[str, Field(max_length=500, examples=["125/BC-UBND"])] = ""
    note: Annotated[str, Field(max_length=5000)] = ""
    links: Annotated[list[str], Field(max_length=20)] = []
    withdrawn: Annotated[bool, Field(description="The reading was wrong altogether")] = False


class ReadingOut(BaseModel):
    """One version of a reading. Nothing is ever overwritten: the newest version is in force."""

    id: int
    target: str
    place: Place
    source: Source
    as_of: Day
    numerator: int
    denominator: int
    value: Percent
    origin: str
    document: str
    note: str
    links: list[str]
    author: str
    entered_at: Time
    version: int
    withdrawn: bool


def reading_out(reading: Reading) -> ReadingOut:
    whole = reading.denominator
    return ReadingOut(
        id=reading.id,
        target=reading.target,
        place=reading.place,
        source=reading.source,
        as_of=reading.as_of,
        numerator=reading.numerator,
        denominator=whole,
        value=100 * reading.numerator / whole if whole else None,
        origin=reading.origin,
        document=reading.document,
        note=reading.note,
        links=list(reading.links),
        author=reading.author,
        entered_at=iso(reading.entered_at),
        version=reading.version,
        withdrawn=reading.withdrawn,
    )


class ReadingPage(BaseModel):
    """Every version, newest first."""

    items: list[ReadingOut]


class KeptOut(BaseModel):
    """What became of a reading."""

    outcome: Outcome
    reading: ReadingOut


class RowMistakeOut(BaseModel):
    sheet: str
    row: Annotated[int, Field(description="As the spreadsheet counts; the heading is 1")]
    column: str
    message: str


class ImportOut(BaseModel):
    """What a file holds, and what was done with it. entered: whether it went in."""

    entered: bool
    new: int
    corrected: int
    unchanged: int
    machines: Annotated[int, Field(description="Machine reports in the file")]
    empty: Annotated[int, Field(description="Rows that nobody filled in")]
    mistakes: list[RowMistakeOut]


def import_out(
    found: Imported, counts: dict[Outcome, int], *, entered: bool, lang: str
) -> ImportOut:
    return ImportOut(
        entered=entered,
        new=counts[Outcome.NEW],
        corrected=counts[Outcome.CORRECTED],
        unchanged=counts[Outcome.UNCHANGED],
        machines=len(found.machines),
        empty=found.empty,
        mistakes=[mistake_out(one, lang) for one in found.mistakes],
    )


def mistake_out(one: RowMistake, lang: str) -> RowMistakeOut:
    found = why(one.reason, lang)
    return RowMistakeOut(
        sheet=one.sheet, row=one.row, column=one.column, message=found.text if found else ""
    )


class MachineIn(BaseModel):
    """What a computer says of its health, and nothing about who uses it."""

    model_config = ConfigDict(extra="forbid")

    asset: Annotated[
        str, Field(max_length=200, description="id or address", examples=["yen-thinh.pc-10"])
    ]
    reported_at: Annotated[str | None, Field(max_length=40)] = None
    system: Annotated[str | None, Field(max_length=200, examples=["Windows 11 Pro 25H2"])] = None
    memory_gb: Annotated[float | None, Field(ge=0, le=4096, examples=[7.9])] = None
    disk: Literal["ssd", "hdd"] | None = None
    antivirus: bool | None = None
    antivirus_at: Annotated[
        str | None, Field(max_length=40, description="Age of the definitions")
    ] = None
    source: Annotated[str, Field(max_length=40)] = "api"


class MachinesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[MachineIn], Field(max_length=5000)]


class MachineOut(BaseModel):
    """A computer with its newest report and grade: adequate, upgrade, inadequate, unknown."""

    asset: str
    place: Place
    grade: Grade
    reason: Why | None
    reported_at: str | None
    system: str | None
    memory_gb: float | None
    disk: str | None
    antivirus: bool | None
    antivirus_at: str | None


def machine_out(
    asset: str, place: str | None, report: MachineReport | None, judged: Judgement, lang: str
) -> MachineOut:
    memory = report.memory_mb if report else None
    return MachineOut(
        asset=asset,
        place=place,
        grade=judged.grade,
        reason=why(judged.reason, lang),
        reported_at=iso(report.reported_at) if report else None,
        system=report.system if report else None,
        memory_gb=round(memory / 1024, 1) if memory is not None else None,
        disk=report.disk if report else None,
        antivirus=report.antivirus if report else None,
        antivirus_at=iso_or_null(report.antivirus_at) if report else None,
    )


class MachinePage(BaseModel):
    items: list[MachineOut]
    next: str | None


class TakenOut(BaseModel):
    """taken: reports that said something new."""

    taken: int
    mistakes: list[RowMistakeOut]
