"""Fifteen months of figures that never were: what units reported, what computers said.

    TABLE ─▶ readings, month by month, through the Keeper as people would enter them
          ─▶ month ends of the measured targets (two weeks of samples tell nothing of last year)
    computers ─▶ machine reports
    samples   ─▶ availability of the last days, and where the measured targets stood

The same seed tells the same story. Some units report late, one never, one made a mistake and
corrected it, two sources contradict each other: a visitor sees how each of these is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random

from ioc.db import StateDatabase
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView
from ioc.inventory.topology import Asset, Target, Topology
from ioc.ledger.adequacy import MachineReport
from ioc.ledger.coverage import evaluate
from ioc.ledger.keeper import Keeper, month_ends
from ioc.ledger.model import Coverage, Reading, Source, TargetState
from ioc.ledger.places import asked_of, places_on
from ioc.ledger.records import PastFigure, Records
from ioc.ledger.sla import Agreements, day_span
from ioc.store.base import Store

MONTHS = 15
DAY = 86_400_000
SILENT = 0.06  # of the reports of places: not handed in that month
AUTHOR = "demo"


@dataclass(frozen=True, slots=True)
class Story:
    """How a target is reported. whole: the denominator of one place, from and to; share: of it
    at the beginning and now; every: months between two reports; origin: who says so."""

    whole: tuple[int, int]
    share: tuple[float, float]
    every: int = 1
    origin: str = ""


TABLE: Mapping[str, Story] = {
    "files-district": Story((820, 990), (0.9, 1.0), 1, "Hệ thống quản lý văn bản"),
    "files-commune": Story((60, 140), (0.62, 0.88), 1, "Hệ thống quản lý văn bản"),
    "shared-databases": Story((9, 9), (0.45, 0.89), 3, "Sở Khoa học và Công nghệ"),
    "open-data": Story((4, 4), (0.25, 0.75), 6, "Phòng Văn hóa và Thông tin"),
    "leaders-trained": Story((24, 24), (0.8, 1.0), 6, "Phòng Nội vụ"),
    "it-staff-trained": Story((6, 6), (0.67, 1.0), 6, "Phòng Nội vụ"),
    "digital-skills": Story((17, 24), (0.8, 0.98), 6, "Phòng Nội vụ"),
    "outreach": Story((5, 5), (0.6, 1.0), 6, "Phòng Văn hóa và Thông tin"),
    "procedures-online": Story((182, 190), (0.86, 1.0), 3, "Cổng Dịch vụ công của tỉnh"),
    "procedures-national": Story((182, 190), (0.33, 0.58), 3, "Cổng Dịch vụ công Quốc gia"),
    "multi-device": Story((182, 190), (0.7, 0.93), 3, "Bộ phận Tiếp nhận và Trả kết quả"),
    "e-forms": Story((182, 190), (0.75, 0.97), 3, "Cổng Dịch vụ công của tỉnh"),
    "dossiers-online": Story((40, 120), (0.28, 0.57), 1, "Hệ thống một cửa điện tử"),
    "one-stop": Story((40, 120), (0.93, 1.0), 1, "Hệ thống một cửa điện tử"),
    "fiber-households": Story((480, 900), (0.66, 0.84), 6, "Các doanh nghiệp viễn thông"),
    "5g-sites": Story((12, 12), (0.0, 0.42), 6, "Các doanh nghiệp viễn thông"),
    "smartphones": Story((1400, 2600), (0.55, 0.71), 12, "Tổ công nghệ số cộng đồng"),
    "e-payment": Story((36_000, 36_500), (0.41, 0.63), 6, "Ngân hàng Nhà nước"),
    "district-portal": Story((12, 12), (0.75, 0.92), 12, "Văn phòng HĐND và UBND huyện"),
    "computer-skills": Story((17, 24), (1.0, 1.0), 12, "Phòng Nội vụ"),
    "e-signature": Story((90, 240), (0.82, 0.93), 1, "Hệ thống quản lý văn bản"),
    "official-mail": Story((17, 24), (1.0, 1.0), 6, "Hệ thống thư điện tử công vụ"),
    "mail-usage": Story((17, 24), (0.74, 0.87), 1, "Hệ thống thư điện tử công vụ"),
    "software-linked": Story((1, 1), (0.85, 1.0), 6, "Văn phòng HĐND và UBND huyện"),
    "iso-9001": Story((1, 1), (1.0, 1.0), 12, "Văn phòng HĐND và UBND huyện"),
    "ioc": Story((8, 8), (0.25, 0.63), 6, "Văn phòng HĐND và UBND huyện"),
}
MEASURED = {
    "fiber-communes": (0.85, 1.0),
    "networked-computers": (0.88, 0.97),
    "mobile-4g": (0.9, 1),
}
SYSTEMS = (
    ("Windows 11 Pro 25H2", 0.62),
    ("Windows 10 Pro 22H2", 0.26),
    ("Windows 10 Enterprise LTSC 2021", 0.06),
    ("Windows 7 Professional", 0.04),
    ("Ubuntu 24.04 LTS", 0.02),
)


class _Then:
    """A clock that stands where the story is. ms UTC."""

    def __init__(self, now: int) -> None:
        self.at = now

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1000


@dataclass(frozen=True, slots=True)
class _Monitor:
    """The district as the ledger sees it before anything runs."""

    topology: Topology
    calendars: Mapping[str, Calendar]
    last: AreaView

    def view(self) -> AreaView:
        return self.last


class LedgerPast:
    """The ledger of a district that has run for years. started: ms UTC, when the demo begins.

    view_at: what the screens showed at a moment (ms UTC) of the days that have samples.
    """

    def __init__(
        self,
        topology: Topology,
        calendars: Mapping[str, Calendar],
        view_at: Callable[[int], AreaView],
        started: int,
    ) -> None:
        self.topology = topology
        self.started = started
        self.today = self._local(started)
        self._view_at = view_at
        self._monitor = _Monitor(topology, calendars, view_at(started))

    def write(self, store: Store, database: StateDatabase, first: int) -> None:
        """Into an empty state database; first: ms UTC of the oldest sample in the store."""
        clock = _Then(self.started - MONTHS * 31 * DAY)
        records = Records(database.engine)
        keeper = Keeper(clock, self._monitor, store, records, Agreements(database.engine))
        keeper.load()
        for day in self._ends():
            clock.at = self._at(day + timedelta(days=4), time(9, 20))
            if clock.at < self.started:
                keeper.declare(list(self._readings(day)), AUTHOR)
        self._correct(keeper, clock)
        records.write_figures(list(self._measured()))
        clock.at = self.started
        keeper.take_machines(self._machines())
        begin = self._local(first)
        days = [begin + timedelta(days=n) for n in range((self.today - begin).days)]
        keeper.measure_days([*days, self.today])
        for day in days[1:]:
            records.record(day.isoformat(), self._seen(day), self._at(day, time(23, 59)))

    def _seen(self, day: date) -> list[Coverage]:
        """Where the measured targets stood at the end of a day."""
        at = day_span(day, self.topology).end - 1
        found = evaluate(self.topology, self._view_at(at), self._monitor.calendars, at)
        return [c for c in found.chosen() if c.source is Source.MEASURED and c.value is not None]

    # --- what units reported

    def _readings(self, as_of: date) -> Iterator[Reading]:
        month = as_of.year * 12 + as_of.month
        for name, story in TABLE.items():
            target = self.topology.targets.get(name)
            if target is None or month % story.every:
                continue
            for place in self._places(target, as_of):
                random = self._random(name, place or "", as_of.isoformat())
                if place is None or random.random() > SILENT:
                    yield self._reading(target, story, place, as_of, random)
        if month % 6 == 0 and "fiber-households" in self.topology.targets:
            yield self._other_source(as_of)

    def _reading(
        self, target: Target, story: Story, place: str | None, as_of: date, random: Random
    ) -> Reading:
        fixed = self._random(target.id, place or "")
        whole = fixed.randint(*story.whole)
        low, high = story.share
        share = low + (high - low) * self._progress(as_of) + fixed.uniform(-0.04, 0.05)
        share = min(1.0, max(0.0, share)) if low < high else low
        number = f"{random.randint(10, 480)}/BC-{'UBND' if place else 'VHTT'}"
        return Reading(
            target=target.id,
            place=place,
            source=Source(next(s for s in target.sources if s != Source.MEASURED)),
            as_of=as_of.isoformat(),
            numerator=round(whole * share),
            denominator=whole,
            origin=story.origin,
            document=number,
        )

    def _other_source(self, as_of: date) -> Reading:
        """The provincial statistics say less than the operators."""
        whole = 12_700
        return Reading(
            target="fiber-households",
            place=None,
            source=Source.DECLARED,
            as_of=as_of.isoformat(),
            numerator=round(whole * (0.55 + 0.16 * self._progress(as_of))),
            denominator=whole,
            origin="Cục Thống kê",
            document=f"{as_of.year}/NGTK",
        )

    def _correct(self, keeper: Keeper, clock: _Then) -> None:
        """One figure was wrong and is said again: the version before stays, the past is new."""
        found = [r for r in keeper.records.current() if r.target == "files-commune" and r.place]
        if not found:
            return
        wrong = found[len(found) // 2]
        clock.at = min(self.started, self._at(date.fromisoformat(wrong.as_of), time(0)) + 40 * DAY)
        right = replace(
            wrong, numerator=max(0, wrong.numerator - 7), note="Đính chính: đếm trùng hồ sơ"
        )
        keeper.declare([right], AUTHOR)

    def _places(self, target: Target, as_of: date) -> list[str | None]:
        if target.per == "area":
            return [None]
        return [p.id for p in asked_of(target.per, places_on(self.topology, as_of))]

    # --- what was measured before the samples begin

    def _measured(self) -> Iterator[PastFigure]:
        for name, (low, high) in MEASURED.items():
            if name not in self.topology.targets:
                continue
            whole = self._whole(name)
            for day in self._ends():
                count = round(whole * (low + (high - low) * self._progress(day)))
                yield PastFigure(
                    name,
                    None,
                    day.isoformat(),
                    count,
                    whole,
                    whole,
                    100 * count / whole,
                    100.0,
                    TargetState.MET if count == whole else TargetState.PARTLY,
                    Source.MEASURED,
                    self._at(day, time(23, 59)),
                )

    def _whole(self, name: str) -> int:
        if name == "networked-computers":
            return max(1, sum(site.staff or 0 for site in self.topology.sites.values()))
        return max(1, len(asked_of("commune", places_on(self.topology, self.today))))

    # --- computers

    def _machines(self) -> Iterator[MachineReport]:
        for asset in self.topology.assets.values():
            random = self._random("machine", asset.id)
            if asset.kind == "computer" and random.random() > 0.05:
                yield self._machine(asset, random)

    def _machine(self, asset: Asset, random: Random) -> MachineReport:
        [system] = random.choices([s for s, _ in SYSTEMS], [share for _, share in SYSTEMS])
        old = not system.startswith(("Windows 11", "Ubuntu"))
        [memory] = random.choices((4, 8, 16), (5, 4, 1) if old else (1, 6, 3))
        reported = self.started - random.randrange(2 * DAY)
        return MachineReport(
            asset.id,
            reported,
            system,
            memory * 1024 - random.choice((0, 130, 260)),
            "hdd" if old and random.random() < 0.5 else "ssd",
            random.random() > 0.04,
            reported - random.choices((1, 4, 12), (80, 15, 5))[0] * DAY,
            "demo",
        )

    # --- time and chance

    def _ends(self) -> Iterator[date]:
        """Ends of the months of the story that are over, oldest first."""
        first = (self.today.replace(day=1) - timedelta(days=MONTHS * 30)).replace(day=1)
        return month_ends(first, self.today)

    def _progress(self, day: date) -> float:
        """How far into the story, 0 to 1."""
        return min(1.0, max(0.0, 1 - (self.today - day).days / (MONTHS * 30.5)))

    def _at(self, day: date, clock: time) -> int:
        return round(datetime.combine(day, clock, self.topology.timezone).timestamp() * 1000)

    def _local(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, self.topology.timezone).date()

    def _random(self, *about: str) -> Random:
        return Random("|".join(("ledger", *about)))  # noqa: S311 - a story, not a secret
