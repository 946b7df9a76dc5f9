"""What every command shares: translated help, safe output, errors in one line.

Output survives a closed pipe, a missing stdout and a terminal that knows no Vietnamese letters.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass, replace
from enum import Enum, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.types

from ioc.i18n import _, mark, translate
from ioc.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from ioc.inventory.loader import InventoryError, Loaded


class ExitCode(IntEnum):
    """How a command ends (design, section 6)."""

    FINE = 0
    PROBLEM = 1
    WRONG_USE = 2
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on: the message, already in the user's language, and the exit code.

    lines: what is printed before the message as it is (mistakes of an inventory).
    """

    def __init__(
        self, message: str, code: int = ExitCode.WRONG_USE, lines: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.lines = tuple(lines)


# --- help and usage errors in the user's language

# Texts of click that our users can meet; they are translated in locale/vi/cli.po.
CLICK_TEXTS = (
    mark("Usage:"),
    mark("Options"),
    mark("Positional arguments"),
    mark("Commands"),
    mark("Show this message and exit."),
    mark("Show the version and exit."),
    mark("Try '{command} {option}' for help."),
    mark("Error: {message}"),
    mark("Missing command."),
    mark("Missing argument"),
    mark("Missing option"),
    mark("No such command {name!r}."),
    mark("No such option {name!r}."),
    mark("Did you mean {possibility}?"),
    mark("(Did you mean one of: {possibilities}?)"),
    mark("Invalid value for {param_hint}: {message}"),
    mark("Invalid value: {message}"),
    mark("{value!r} is not a valid {number_type}."),
    mark("{value} is not in the range {range}."),
    mark("Option {name!r} does not take a value."),
    mark("Option {name!r} requires an argument."),
    mark("Got unexpected extra argument ({args})"),
    mark("Got unexpected extra arguments ({args})"),
)


def translate_click() -> None:
    """Let click speak the user's language: it has no hook for another source of texts."""
    modules: tuple[Any, ...] = (
        click.core,
        click.decorators,
        click.exceptions,
        click.formatting,
        click.parser,
        click.types,
    )
    for module in modules:
        if hasattr(module, "_"):
            module._ = translate
        if hasattr(module, "ngettext"):
            module.ngettext = lambda one, many, count: translate(one if count == 1 else many)


class Command(click.Command):
    """A command whose help text is a message id."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_(self.help or ""))

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first sentence."""
        return _(self.help or "").partition(". ")[0].rstrip(".")


class Group(click.Group, Command):
    """A group of such commands."""

    command_class = Command


class Option(click.Option):
    """An option whose help text is a message id."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (record[0], _(self.help or ""))


json_option = click.option(
    "--json", "as_json", is_flag=True, cls=Option, help=mark("Print JSON for other programs.")
)
inventory_option = click.option(
    "--inventory",
    metavar="FILE",
    cls=Option,
    help=mark("Inventory file (otherwise IOC_INVENTORY, otherwise inventory.yaml)."),
)


# --- output


def prepare_output() -> None:
    """Make every text printable: letters that a terminal cannot show lose their marks."""
    codecs.register_error("ioc-plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and stream.encoding.lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="ioc-plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Error handler: `đường truyền` becomes `duong truyen` rather than question marks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c if c.isascii() else "" if unicodedata.combining(c) else "?" for c in parts), (
        error.end
    )


PLAIN = str.maketrans({"đ": "d", "Đ": "D", "–": "-", "—": "-", "·": "-", "→": "->", "≥": ">=",
                       "−": "-", "×": "x", "“": '"', "”": '"', "’": "'", "…": "..."})  # fmt: skip


def say(text: str = "", *, error: bool = False) -> None:
    """Print one line to stdout, or to stderr. When nobody reads any more, the rest goes nowhere."""
    stream = sys.stderr if error else sys.stdout
    if stream is None:
        return
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Send what is still to be written nowhere, so that the exit code stays the command's own."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - not a path to handle
        os.dup2(nowhere.fileno(), stream.fileno())


def say_json(data: object) -> None:
    """Print data as JSON; enums by value, dataclasses as objects, letters as they are."""
    say(json.dumps(data, ensure_ascii=False, indent=2, default=_as_json))


def _as_json(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


COLOURS = {"good": "32", "warn": "33", "bad": "31", "quiet": "2", "strong": "1"}


def paint(text: str, colour: str) -> str:
    """Text in a colour of COLOURS where stdout is a terminal and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    if sys.stdout is None or not sys.stdout.isatty():
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def pad(text: str, width: int) -> str:
    """Text filled with spaces to the width in columns; combining marks take none."""
    columns = sum(not unicodedata.combining(letter) for letter in text)
    return text + " " * max(0, width - columns)


# --- settings and inventory, with their errors in one line


def settings() -> Settings:
    """Settings from the environment. Raises CommandError."""
    try:
        return read_settings()
    except SettingsError as error:
        raise CommandError(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise CommandError(_(".env cannot be read: {error}", error=str(error))) from error


def with_inventory(current: Settings, path: str | None) -> Settings:
    """The settings with the inventory file named on the command line, if one was."""
    return current if path is None else replace(current, inventory=Path(path))


def load_inventory(path: Path) -> Loaded:
    """The loaded inventory. Raises CommandError with every mistake."""
    from ioc.inventory.loader import InventoryError, load

    try:
        return load(path)
    except InventoryError as error:
        raise inventory_trouble(error) from error


def inventory_trouble(error: InventoryError) -> CommandError:
    """The mistakes of an inventory, one a line, and how many there are."""
    count = len(error.mistakes)
    message = _("the inventory has {count} mistakes", count=count)
    return CommandError(message, lines=[str(mistake) for mistake in error.mistakes])
