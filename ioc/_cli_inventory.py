"""`ioc inventory validate`: every mistake with its line, or a summary of what is in the file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

from ioc._cli_base import CommandError, ExitCode, load_inventory, say, say_json
from ioc.i18n import _
from ioc.inventory.topology import Topology


def show_inventory(path: Path, *, as_json: bool) -> int:
    """Load an inventory file and print its summary. Raises CommandError with every mistake."""
    if as_json:
        return _as_data(path)
    loaded = load_inventory(path)
    topology = loaded.topology
    for warning in loaded.warnings:
        say(f"{_('WARNING')}: {warning}")
    say(_("{file} is valid: {area}", file=str(path), area=topology.area_name))
    for label, amount in summary(topology).items():
        say(f"  {label}: {amount}")
    return ExitCode.FINE


def _as_data(path: Path) -> int:
    from ioc.inventory.loader import InventoryError, load

    try:
        loaded = load(path)
    except InventoryError as error:
        say_json({"valid": False, "mistakes": [asdict(mistake) for mistake in error.mistakes]})
        raise CommandError(
            _("the inventory has {count} mistakes", count=len(error.mistakes))
        ) from error
    topology = loaded.topology
    say_json({
        "valid": True,
        "warnings": [asdict(warning) for warning in loaded.warnings],
        "area": topology.area_name,
        "sites": len(topology.sites),
        "assets": len(topology.assets),
        "assets_by_type": Counter(asset.type.value for asset in topology.assets.values()),
        "assets_by_kind": Counter(asset.kind for asset in topology.assets.values()),
        "checks": len(topology.checks),
        "checks_by_kind": Counter(check.kind for check in topology.checks.values()),
        "measurements_per_second": round(rate(topology), 3),
    })  # fmt: skip
    return ExitCode.FINE


def summary(topology: Topology) -> dict[str, str]:
    """What is in the inventory: label in the user's language -> figure."""
    kinds = Counter(f"{asset.type.value} {asset.kind}" for asset in topology.assets.values())
    checks = Counter(check.kind for check in topology.checks.values())
    return {
        _("sites"): str(len(topology.sites)),
        _("assets"): f"{len(topology.assets)} ({_counts(kinds)})",
        _("checks"): f"{len(topology.checks)} ({_counts(checks)})",
        _("measurements per second"): _("{number}", number=round(rate(topology), 1)),
        _("calendars"): ", ".join(topology.calendars) or "-",
        _("targets"): ", ".join(topology.targets) or "-",
    }


def rate(topology: Topology) -> float:
    """Planned measurements per second when nothing fails."""
    return sum(1 / check.interval for check in topology.checks.values())


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counter.most_common())
