"""From the checks a user wrote, or none, to compiled checks: defaults, settings, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError

from collectors import collector, kinds
from collectors.base import Check, Settings, Threshold
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.document import Path_
from ioc.inventory.models import CheckModel, Defaults
from ioc.inventory.salvage import place
from ioc.inventory.words import did_you_mean, words

# Seconds, when neither the check nor the defaults say otherwise. A certificate changes rarely:
# its interval is its kind's own, whatever the defaults of the asset's kind are.
INTERVALS = {"link": 15.0, "router": 15.0, "switch": 15.0}
INTERVAL = 60.0
OWN_INTERVALS = {"tls": 21_600.0}
TIMEOUTS = {"icmp": 1.0, "tcp": 3.0, "dns": 3.0}
TIMEOUT = 10.0
RETRIES = 3
RETRY_DELAY = 1.0
NOT_FATAL = frozenset({"tls"})  # a certificate that expires does not stop the service
KEYS = tuple(CheckModel.model_fields)


class Places(Protocol):
    """Where a path of the inventory stands in the files (see ioc.inventory.sources)."""

    def wrong(self, path: Path_, message: str) -> None: ...

    def warn(self, path: Path_, message: str) -> None: ...

    def where(self, path: Path_) -> str: ...

    def hides(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What checks are compiled for. kind: of the defaults that apply. address_key: its last key
    in the inventory (`address`, `addresses`)."""

    asset: str
    site: str | None
    kind: str
    address: str | None
    path: Path_
    address_key: str = "address"


class CheckCompiler:
    """Compiles the checks of one inventory; remembers them all, to find what is measured twice."""

    def __init__(self, defaults: Mapping[str, Defaults], places: Places) -> None:
        self.checks: dict[str, Check] = {}
        self._places = places
        self._given = defaults
        self._defaults: dict[str, Defaults] = {}
        self._measured: dict[tuple[str, str], Path_] = {}
        self._slow: set[tuple[float, ...]] = set()

    def compile(self, of: Subject, items: Sequence[CheckModel] | None) -> tuple[str, ...]:
        """Ids of the checks of one asset; without a word about checks its address is pinged."""
        if items is None:
            return self._ping(of)
        if not items:
            message = _("an empty list measures nothing; remove it or write a check")
            self._places.wrong((*of.path, "checks"), message)
        found = [self._add(of, item, (*of.path, "checks", i)) for i, item in enumerate(items)]
        return tuple(name for name in found if name is not None)

    def default(self, kind: str) -> Defaults:
        """Defaults of a kind of asset, what it leaves out taken from `all`."""
        if kind not in self._defaults:
            nothing = Defaults()
            levels = (self._given.get("all", nothing), self._given.get(kind, nothing))
            chosen = {k: v for level in levels for k, v in level if v is not None}
            limits = {k: v for level in levels for k, v in (level.thresholds or {}).items()}
            self._defaults[kind] = nothing.model_copy(update={**chosen, "thresholds": limits})
        return self._defaults[kind]

    def _ping(self, of: Subject) -> tuple[str, ...]:
        if of.address is None:
            message = _("needs an `address`, or `checks` that say how to measure it")
            self._places.wrong(of.path, message)
            return ()
        name = self._add(of, CheckModel(kind="icmp"), (*of.path, of.address_key))
        return () if name is None else (name,)

    def _add(self, of: Subject, item: CheckModel, path: Path_) -> str | None:
        check = self._check(of, item, path)
        if check is None:
            return None
        if check.id in self.checks:
            message = _("a second check of this id; give it an `id` of its own")
            self._places.wrong(path, message)
            return None
        self.checks[check.id] = check
        self._measured_once(check, item, of, path)
        return check.id

    def _check(self, of: Subject, item: CheckModel, path: Path_) -> Check | None:
        if item.kind not in kinds():
            close = did_you_mean(item.kind, kinds())
            known = close or ", ".join(kinds())
            message = _("no such kind of check; write {known}", known=known)
            self._places.wrong((*path, "kind"), message)
            return None
        settings = self._settings(of, item, path)
        times = self._times(of, item, path)
        if settings is None or times is None:
            return None
        default = self.default(of.kind)
        check = Check(
            id=f"{of.asset}.{item.id or item.kind}", asset=of.asset, site=of.site, kind=item.kind,
            settings=settings, interval=times[0], timeout=times[1],
            retries=_first(item.retries, default.retries, RETRIES),
            retry_delay=_first(item.retry_delay, default.retry_delay, RETRY_DELAY),
            thresholds=_thresholds(default, item),
            fatal=_first(item.fatal, item.kind not in NOT_FATAL),
        )  # fmt: skip
        self._warn_if_slow(check, path)
        return check

    def _settings(self, of: Subject, item: CheckModel, path: Path_) -> Settings | None:
        model = collector(item.kind).Settings
        given = dict(item.model_extra or {})
        filled = "address" in model.model_fields and "address" not in given
        if filled and of.address is not None:
            given["address"] = of.address
        try:
            return model.model_validate(given)  # type: ignore[return-value]
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                inside = place(problem, given) or problem["loc"][:1]
                if filled and inside == ("address",) and of.address is not None:
                    here = (*of.path, of.address_key)
                else:
                    here = (*path, *inside)
                self._places.wrong(here, words(problem, model, KEYS))
            return None

    def _times(self, of: Subject, item: CheckModel, path: Path_) -> tuple[float, float] | None:
        """Interval and timeout. A default timeout gives way to a short interval."""
        default = self.default(of.kind)
        own = OWN_INTERVALS.get(item.kind)
        interval = _first(item.interval, own, default.interval, INTERVALS.get(of.kind), INTERVAL)
        usual = _first(default.timeout, TIMEOUTS.get(item.kind), TIMEOUT)
        timeout = _first(item.timeout, min(usual, interval / 2))
        if timeout >= interval:
            text = mark("the timeout ({timeout} s) must be below the interval ({interval} s)")
            self._places.wrong((*path, "timeout"), _(text, timeout=timeout, interval=interval))
            return None
        return interval, timeout

    def _warn_if_slow(self, check: Check, path: Path_) -> None:
        """Once for all checks with the same times."""
        worst = check.timeout + check.retries * (check.timeout + check.retry_delay)
        times = (check.interval, worst)
        if worst <= check.interval or times in self._slow:
            return
        self._slow.add(times)
        text = mark(
            "re-checking a failure may take {worst} s, longer than the interval of {interval} s; "
            "choose fewer retries, a shorter timeout or a longer interval"
        )
        self._places.warn(path, _(text, worst=worst, interval=check.interval))

    def _measured_once(self, check: Check, item: CheckModel, of: Subject, path: Path_) -> None:
        """The same thing measured for two assets is a slip of the hand: a range that overlaps."""
        key = check.kind, check.settings.model_dump_json()
        filled = "address" not in (item.model_extra or {}) and of.address is not None
        here = (*of.path, of.address_key) if filled else path
        first = self._measured.setdefault(key, here)
        if first != here:
            what = of.address if of.address is not None and filled else item.kind
            text = mark("{address} is measured already: {first}; each address belongs to one asset")
            self._places.wrong(here, _(text, address=what, first=self._places.where(first)))


def _thresholds(default: Defaults, item: CheckModel) -> tuple[Threshold, ...]:
    limits = {**(default.thresholds or {}), **item.thresholds}
    return tuple(Threshold(value, limit.above, limit.below) for value, limit in limits.items())


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
