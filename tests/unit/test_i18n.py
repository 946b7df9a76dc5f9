"""Every text a user can meet has a Vietnamese one, and the catalogs hold nothing else."""

from __future__ import annotations

import ast
import string
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

from collectors.base import Reason
from ioc.i18n import LOCALE_DIR, mark, render, translate

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("ioc", "collectors")
# Call -> which argument is the message id.
CALLS = {
    "_": 0,
    "translate": 0,
    "mark": 0,
    "Reason": 0,
    "failed": 0,
    "unknown": 0,
    "PydanticCustomError": 1,
    "_inadequate": 0,
    "measure": 1,  # of the ledger: its counting rule
}
CATALOGS = sorted((LOCALE_DIR / "vi").glob("*.po"))


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def constants(node: ast.expr) -> Iterator[str]:
    """Literal texts of an argument, both branches of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def marked(tree: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    """Line and argument of each call that takes a message id."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            position = CALLS.get(name)
            if position is not None and len(node.args) > position:
                yield node.lineno, node.args[position]


@cache
def ids_in_code() -> dict[str, str]:
    """Message id -> where it is used."""
    found = {}
    for name, tree in sources():
        for line, argument in marked(tree):
            found.update({text: f"{name}:{line}" for text in constants(argument) if text})
    for path in sorted((ROOT / "ioc").rglob("*.html")):
        texts = template_environment().extract_translations(path.read_text(encoding="utf-8"))
        for line, _function, message in texts:
            text = message[0] if isinstance(message, tuple) else message  # with keyword arguments
            if isinstance(text, str):
                found[text] = f"{path.relative_to(ROOT)}:{line}"
    return found


def template_environment() -> Environment:
    return Environment(extensions=["jinja2.ext.i18n"])  # parsed only, nothing is rendered


@cache
def all_texts_in_code() -> frozenset[str]:
    """Every literal text: an id may stand in a table before it is translated."""
    texts = {
        node.value
        for _name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(texts | set(ids_in_code()))


@cache
def vietnamese() -> dict[str, dict[str, str]]:
    """Message id -> {catalog file: text}."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in CATALOGS:
        with path.open("rb") as file:
            for message in read_po(file, locale="vi", abort_invalid=True):
                if message.id:
                    assert isinstance(message.id, str), f"{path.name}: no plural forms here"
                    assert not message.fuzzy, f"{path.name}: fuzzy: {message.id}"
                    found[message.id][path.name] = str(message.string)
    return found


def fields(template: str) -> set[str | None]:
    return {name for _text, name, _spec, _conv in string.Formatter().parse(template)} - {None}


def test_code_has_messages_and_catalogs_have_texts() -> None:
    assert len(ids_in_code()) > 50
    assert len(vietnamese()) > 50


def test_every_message_in_the_code_has_a_vietnamese_text() -> None:
    missing = [
        f"{where}: {text!r}"
        for text, where in ids_in_code().items()
        if any(letter.isalpha() for letter in strip_fields(text)) and not vietnamese().get(text)
    ]
    assert not missing, "\n".join(missing)


def strip_fields(template: str) -> str:
    return "".join(text for text, _name, _spec, _conv in string.Formatter().parse(template))


def test_no_message_is_put_together_before_it_is_translated() -> None:
    built = [
        f"{name}:{line}"
        for name, tree in sources()
        for line, argument in marked(tree)
        if isinstance(argument, ast.JoinedStr | ast.BinOp)
    ]
    assert not built, f"a message id must be a plain literal: {built}"


def test_no_catalog_holds_texts_that_nothing_uses() -> None:
    unused = [text for text in vietnamese() if text not in all_texts_in_code()]
    assert not unused


def test_catalogs_agree_where_they_share_a_message() -> None:
    conflicts = {
        text: by_file for text, by_file in vietnamese().items() if len(set(by_file.values())) > 1
    }
    assert not conflicts


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: path.stem)
def test_a_catalog_has_each_message_once(catalog: Path) -> None:
    lines = catalog.read_text(encoding="utf-8").splitlines()
    ids = [
        index for index, line in enumerate(lines) if line.startswith("msgid ") and index > 3
    ]  # the header is the first
    with catalog.open("rb") as file:
        assert len(ids) == len([message for message in read_po(file, locale="vi") if message.id])


def test_vietnamese_texts_keep_the_placeholders() -> None:
    wrong = [
        f"{name}: {text!r} -> {translation!r}"
        for text, by_file in vietnamese().items()
        for name, translation in by_file.items()
        if fields(text) != fields(translation)
    ]
    assert not wrong, "\n".join(wrong)


def test_vietnamese_texts_are_present_and_composed() -> None:
    wrong = [
        text
        for text, by_file in vietnamese().items()
        for translation in by_file.values()
        if not translation.strip() or not unicodedata.is_normalized("NFC", translation)
    ]
    assert not wrong


def test_numbers_are_written_as_the_language_does() -> None:
    reason = Reason("no answer within {timeout} s", {"timeout": 1.5})
    assert render(reason, "vi") == "không trả lời trong 1,5 giây"
    assert render(reason, "en") == "no answer within 1.5 s"


def test_a_message_without_a_text_is_shown_as_it_is() -> None:
    assert translate(mark("there is no such text"), "vi") == "there is no such text"
