"""Rules of the repository itself: what keeps it easy to change, and safe to give away."""

from __future__ import annotations

import ast
import asyncio
import ipaddress
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import collectors
from collectors.base import Verdict
from ioc.inventory.loader import load
from scripts import check_words

ROOT = Path(__file__).parent.parent.parent
CODE = sorted([*(ROOT / "ioc").rglob("*.py"), *(ROOT / "collectors").rglob("*.py")])
LONGEST = 450  # lines of a module; most have a third of it
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(document: str, language: str, number: int = 0) -> str:
    """The n-th code block of a language in a document."""
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)[number]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_collectors_import_nothing_of_the_program() -> None:
    wrong = [
        f"{path.name}: {name}"
        for path in sorted((ROOT / "collectors").glob("*.py"))
        for name in imports(path)
        if name.partition(".")[0] == "ioc"
    ]
    assert not wrong


def test_modules_stay_short() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert lengths
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST}


def test_every_kind_of_collector_can_be_imported_and_is_one() -> None:
    assert {"tcp", "http", "tls", "dns", "icmp"} <= set(collectors.kinds())
    for kind in collectors.kinds():
        assert collectors.collector(kind).Settings.model_config["extra"] == "forbid", kind


@pytest.fixture
def new_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The example of docs/architecture.md as one more file among the collectors."""
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (tmp_path / "load.py").write_text(block(document, "python"), encoding="utf-8")
    monkeypatch.setattr(collectors, "__path__", [*collectors.__path__, str(tmp_path)])
    collectors.kinds.cache_clear()
    yield "load"
    collectors.kinds.cache_clear()
    collectors.collector.cache_clear()
    sys.modules.pop("collectors.load", None)


def test_one_more_file_is_one_more_kind(new_kind: str, tmp_path: Path) -> None:
    assert new_kind in collectors.kinds()
    collector = collectors.collector(new_kind)
    measured = asyncio.run(collector.measure(collector.Settings(limit=1e9), 1.0))
    assert measured.verdict is Verdict.OK
    assert "load" in measured.values
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(
        "area: {id: a, name: A}\n"
        "services:\n"
        "  - {id: may, name: Máy này, checks: [{kind: load, limit: 50, interval: 30s}]}\n",
        encoding="utf-8",
    )
    assert load(inventory).topology.checks["may.load"].interval == 30


def variables_in_code() -> set[str]:
    found = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"^IOC_[A-Z_]+$", node.value))
    return found


def test_every_setting_is_documented_in_both_languages() -> None:
    vietnamese, _sep, english = README.partition("# Mini IOC in English")
    for part in (vietnamese, english):
        assert not [name for name in sorted(variables_in_code()) if f"`{name}" not in part]


def test_no_documented_setting_is_without_code() -> None:
    named = {re.sub(r"^(IOC_CHANNEL_).+", r"\1", n) for n in re.findall(r"IOC_[A-Z_]+", README)}
    assert named == variables_in_code()


def test_the_readme_example_loads(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(block(README, "yaml"), encoding="utf-8")
    topology = load(path).topology
    computers = [a for a in topology.assets.values() if a.kind == "computer"]
    assert len(computers) == 18
    assert topology.sites["yen-thinh"].staff == 18


def test_every_documented_command_exists_and_every_command_is_documented() -> None:
    from ioc.cli import commands

    documented = set(re.findall(r"^\| `ioc ([a-z]+)", README, re.MULTILINE))
    assert documented == set(commands.commands)


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"run", "demo", "test", "lint", "bench"} <= targets
    assert set(re.findall(r"`make ([a-z]+)", README)) <= targets


def test_the_sample_inventory_is_valid_and_stays_on_loopback() -> None:
    path = ROOT / "inventory.yaml"
    load(path)
    text = re.sub(r"(^|\s)#.*", "", path.read_text(encoding="utf-8"))
    addresses = re.findall(r"\d+\.\d+\.\d+\.\d+", text)
    assert addresses
    assert all(ipaddress.ip_address(address).is_loopback for address in addresses)
    assert not re.findall(r"https?://(?!127\.|\[::1\])\S+", text)


def test_nothing_in_the_repository_is_of_one_machine_or_secret() -> None:
    assert not [finding for path in check_words.tracked() for finding in check_words.check(path)]


@pytest.mark.parametrize(
    "text",
    [
        f"see /{'home'}/someone/x",
        f"from /{'root'}/.cache",
        f"url = https://{'pypi'}.org/simple",
        "todo: later".upper(),
        f"{'<' * 7} HEAD",
        f"key: {'ghp'}_{'a1' * 12}",
    ],
)
def test_what_must_not_be_there_is_found(text: str) -> None:
    assert next(check_words.check_text("file", f"fine\n{text}\n")).startswith("file:2: ")
