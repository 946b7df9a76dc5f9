"""Vietnamese first, English second. Message ids are English; catalogs are `locale/vi/*.po`.

Every part of the program keeps its own catalog file, so that text and code change together.
A test checks that each message id used in the code has a Vietnamese text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from collectors.base import Reason

LOCALE_DIR = Path(__file__).parent / "locale"

_language = "vi"

Number = int | float


@cache
def _catalog(language: str) -> Mapping[str, str]:
    """Message id -> text. English is the ids themselves."""
    texts: dict[str, str] = {}
    for path in sorted((LOCALE_DIR / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if isinstance(message.id, str) and message.id and isinstance(message.string, str):
                    texts[message.id] = message.string or message.id
    return texts


def use_language(language: str) -> None:
    """Set the process's default language ("vi" | "en")."""
    global _language  # noqa: PLW0603 - one process speaks one default language
    _language = language


def language() -> str:
    return _language


def translate(text: str, lang: str | None = None, /, **args: str | Number) -> str:
    """Text in the language, with `{name}` filled from args; numbers in the language's format."""
    lang = lang or _language
    template = _catalog(lang).get(text, text)
    if not args:
        return template
    return template.format(**{name: _shown(value, lang) for name, value in args.items()})


def render(reason: Reason, lang: str | None = None) -> str:
    """A collector's or engine's reason in the language."""
    return translate(reason.text, lang, **reason.args)


_: Callable[..., str] = translate


def mark(text: str) -> str:
    """The text itself: marks a message id that is translated later, where it is shown."""
    return text


def _shown(value: str | Number, lang: str) -> str:
    if isinstance(value, str):
        return value
    return format_decimal(value, locale=lang, decimal_quantization=False, group_separator=False)
