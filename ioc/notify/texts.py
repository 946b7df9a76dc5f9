"""The words of a message: one line that fits a telephone. Vietnamese or English.

[CRITICAL] place: what, since when, what still works, what it takes along. Who is responsible.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from ioc.engine.incident import Incident, Step
from ioc.i18n import mark, render, translate
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Asset, AssetType, Severity, Topology
from ioc.notify.routing import sites

LONGEST_NAME = 60  # letters of a name in a message: the line must fit a telephone
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
RSRP = "rsrp_dbm"

TAGS = {
    Severity.CRITICAL: mark("CRITICAL"),
    Severity.WARNING: mark("WARNING"),
    Severity.INFO: mark("INFO"),
}
LINKS = {"fiber": mark("fiber"), "4g": mark("4G"), "leased": mark("the leased line"),
         "satellite": mark("satellite")}  # fmt: skip
WHAT = {
    Kind.UPLINK_LOST: mark("the center has lost its own way out; nothing else is judged"),
    Kind.SITE_DARK: mark("every link and the router are silent, power cut suspected"),
    Kind.SITE_DOWN: mark("every link is down"),
    Kind.ON_BACKUP: mark("{thing} is down"),
    Kind.LINK_DOWN: mark("{thing} is down"),
    Kind.DEVICE_DOWN: mark("{thing} does not answer"),
    Kind.SERVICE_DOWN: mark("{thing} does not work"),
    Kind.SERVICE_FROM_SITE: mark("{thing} does not work from here; elsewhere it does"),
    Kind.QUALITY: mark("{thing} answers badly: {reason}"),
    Kind.CERTIFICATE: mark("certificate of {thing}: {reason}"),
    Kind.COMPUTERS_MISSING: mark("{reason}"),
    Kind.STALE: mark("no data comes in"),
    Kind.MONITOR: mark("{reason}"),
}
HEADS = {
    Step.RESOLVED: mark("RESTORED"),
    Step.EASED: mark("PARTLY RESTORED"),
    Step.UNSTABLE: mark("UNSTABLE"),
    Step.STABLE: mark("NO LONGER UNSTABLE"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """title: the head of the line; body: the whole line."""

    title: str
    body: str


class Writer:
    """Writes messages in one language about one inventory. values: newest values of an asset."""

    def __init__(self, topology: Topology, lang: str, signal: dict[str, float]) -> None:
        self._topology = topology
        self._lang = lang
        self._signal = signal  # link -> RSRP in dBm

    def write(self, incident: Incident, step: Step, now: int, waited: float = 0.0) -> Words:
        """The message of a step. waited: seconds nobody acknowledged (ESCALATED)."""
        head = self._head(incident, step, waited)
        what = f"{self._place(incident)}: {self.what(incident)}"
        title = f"{head} {what}"
        body = title + self._when(incident, step, now)
        if step is not Step.RESOLVED:
            body += self._works(incident) + self._reach(incident)
        return Words(title, f"{body}.{self._responsible(incident)}")

    def what(self, incident: Incident) -> str:
        """What is wrong, without place and time."""
        reason = render(incident.reason, self._lang) if incident.reason else ""
        if incident.kind is Kind.CERTIFICATE and not reason:
            reason = self._("it expires soon")
        thing = self._thing(incident)
        return self._(WHAT[incident.kind], thing=thing, reason=reason)

    # --- parts

    def _head(self, incident: Incident, step: Step, waited: float) -> str:
        tag = self._(TAGS[incident.severity])
        if step is Step.ESCALATED:
            minutes = max(1, round(waited / 60))
            late = self._("NOT ACKNOWLEDGED FOR {minutes} MIN", minutes=minutes)
            return f"[{tag}] [{late}]"
        return f"[{self._(HEADS[step])}]" if step in HEADS else f"[{tag}]"

    def _place(self, incident: Incident) -> str:
        topology = self._topology
        if incident.kind is Kind.MONITOR:
            return self._("The monitor")
        if incident.kind in (Kind.SERVICE_FROM_SITE, Kind.SERVICE_DOWN):
            places = self._asked_from(incident)
            if incident.kind is Kind.SERVICE_FROM_SITE and places:
                return _short(", ".join(places))
        site = topology.sites.get(incident.site or "")
        return _short(site.name if site else topology.area_name)

    def _asked_from(self, incident: Incident) -> list[str]:
        known = self._topology.sites
        views = [self._topology.assets.get(name) for name in incident.affected]
        services = [v for v in views if v is not None and v.type is AssetType.SERVICE and v.site]
        return [known[v.site].name for v in services if v.site]

    def _thing(self, incident: Incident) -> str:
        asset = self._topology.assets.get(incident.subject)
        if asset is None:
            site = self._topology.sites.get(incident.subject)
            return _short(site.name if site else incident.subject)
        return self._name(asset)

    def _name(self, asset: Asset) -> str:
        if asset.type is AssetType.LINK and asset.kind in LINKS and asset.site is not None:
            links = self._topology.sites[asset.site].links
            alike = [k for k in links if self._topology.assets[k].kind == asset.kind]
            if len(alike) == 1:
                return self._(LINKS[asset.kind])
        return _short(asset.name)

    def _when(self, incident: Incident, step: Step, now: int) -> str:
        since = self._clock(incident.since, now)
        if step is Step.RESOLVED and incident.resolved_at is not None:
            return self._(
                " - restored at {end} after {length} (since {since})",
                end=self._clock(incident.resolved_at, now),
                length=duration(incident.resolved_at - incident.since, self._lang),
                since=since,
            )
        return self._(" since {since}", since=since)

    def _clock(self, at: int, now: int) -> str:
        zone = self._topology.timezone
        moment, today = (datetime.fromtimestamp(t / 1000, zone) for t in (at, now))
        return moment.strftime("%H:%M" if moment.date() == today.date() else "%H:%M %d/%m")

    def _works(self, incident: Incident) -> str:
        links = [self._topology.assets[name] for name in incident.works[:2]]
        names = [self._name(link) for link in links]
        if not names or incident.kind not in (Kind.ON_BACKUP, Kind.LINK_DOWN, Kind.DEVICE_DOWN):
            return ""
        if incident.kind is Kind.ON_BACKUP:
            running = self._(", running on {links} as backup", links=", ".join(names))
            return running + self._strength(links[0])
        return self._("; {links} works", links=", ".join(names))

    def _strength(self, link: Asset) -> str:
        rsrp = self._signal.get(link.id)
        return "" if rsrp is None else f" (RSRP {round(rsrp):d} dBm)".replace("-", "−")

    def _reach(self, incident: Incident) -> str:
        beyond = len(incident.affected) - 1
        if beyond < 1 or incident.kind in (Kind.COMPUTERS_MISSING, Kind.SERVICE_FROM_SITE):
            return ""
        if incident.kind in (Kind.SITE_DARK, Kind.SITE_DOWN, Kind.LINK_DOWN):
            return ""  # the whole place, as it says
        places = sites(incident, self._topology)
        if len(places) > 1:
            return self._(", affects {count} devices at {places} places", count=beyond,
                          places=len(places))  # fmt: skip
        return self._(", affects {count} devices", count=beyond)

    def _responsible(self, incident: Incident) -> str:
        asset = self._topology.assets.get(incident.subject)
        site = self._topology.sites.get(incident.site or "")
        who = (asset.provider if asset else None) or (site.responsible if site else None)
        if who is None and incident.kind in (Kind.SITE_DARK, Kind.SITE_DOWN) and site:
            providers = dict.fromkeys(self._topology.assets[k].provider for k in site.links)
            who = ", ".join(p for p in providers if p) or None
        return "" if who is None else self._(" Responsible: {who}.", who=_short(who))

    def _(self, text: str, **words: str | int | float) -> str:
        return translate(text, self._lang, **words) if words else translate(text, self._lang)


def digest(lines: list[str], lang: str) -> Words:
    """Several messages as one."""
    title = translate("{count} things happened", lang, count=len(lines))
    return Words(title, "\n".join([f"{title}:", *lines]))


def duration(ms: int, lang: str) -> str:
    """`1 giờ 28 phút`, `3 ngày 4 giờ`, `50 giây`."""
    ms = max(0, ms)
    if ms < MINUTE:
        return translate("{n} s", lang, n=round(ms / 1000))
    if ms < HOUR:
        return translate("{n} min", lang, n=ms // MINUTE)
    if ms < DAY:
        hours, rest = divmod(ms, HOUR)
        return translate("{n} h {m} min", lang, n=hours, m=rest // MINUTE)
    days, rest = divmod(ms, DAY)
    return translate("{n} d {m} h", lang, n=days, m=rest // HOUR)


def without_marks(text: str) -> str:
    """`Xã Yên Thịnh` as `Xa Yen Thinh`: 160 letters in a short message instead of 70."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.replace("−", "-").replace("…", "...").encode("ascii", "replace").decode()


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
