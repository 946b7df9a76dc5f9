"""Searching foreign text for a pattern of the inventory, without ever holding up the event loop.

Python's `re` holds the interpreter for as long as a search takes, in a thread too, and a pattern
like ``(a+)+b`` takes years on a hostile page. So only searches whose time is bounded by their size
run here: patterns without repetition or groups, on little text. All others run in a short-lived
process of their own (15 ms to start; a few checks a minute), which is killed when time is up.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from collectors._trouble import Progress, Unmeasured

MAX_PATTERN = 500
INLINE_TEXT = 65_536  # characters
_COSTLY = re.compile(r"[*+?{(]")
_PLAIN = re.compile(r"[^.^$*+?{}\[\]\\|()]*")
_CHILD = str(Path(__file__).with_name("_regex_child.py"))


def _pattern(text: str) -> str:
    if not 0 < len(text) <= MAX_PATTERN:
        raise ValueError("must be a pattern of 1 to 500 characters")
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        raise ValueError("must be a valid regular expression") from None
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


def inline(pattern: str, text: str) -> bool:
    """Whether a search is bounded tightly enough to run on the event loop."""
    if _PLAIN.fullmatch(pattern):
        return True
    return len(text) <= INLINE_TEXT and not _COSTLY.search(pattern)


async def found(pattern: str, text: str, progress: Progress) -> bool:
    """Whether the pattern is found in the text, Vietnamese letters compared in composed form.

    Raises Unmeasured when the search takes too long or cannot be made.
    """
    pattern, text = (unicodedata.normalize("NFC", t) for t in (pattern, text))
    if _PLAIN.fullmatch(pattern):
        return pattern in text
    if inline(pattern, text):
        return re.search(pattern, text) is not None
    progress.awaits(
        "searching for {pattern} took longer than {timeout} s", Unmeasured, pattern=pattern
    )
    return await _in_child(pattern, text, progress.timeout)


async def _in_child(pattern: str, text: str, timeout: float) -> bool:
    encoded = pattern.encode()
    data = b"%d\n%b%b" % (len(encoded), encoded, text.encode("utf-8", "replace"))
    pipe = asyncio.subprocess.PIPE
    arguments = ("-I", "-S", _CHILD, str(math.ceil(timeout) + 1))
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise Unmeasured("this machine cannot start another process") from error
    try:
        answer, _ = await child.communicate(data)
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await asyncio.shield(child.wait())
    if answer not in (b"0", b"1"):
        raise Unmeasured("searching for {pattern} failed", pattern=pattern)
    return answer == b"1"
