"""What a backup holds: names, sizes and sums; and which names are allowed at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ioc.i18n import translate as _

FORMAT = 1
NAME = "manifest.json"
SERIES, STATE = "data/series.db", "data/state.db"
INVENTORY = "inventory"
REPORTS = "reports"
LARGEST = 2**20  # bytes of a manifest
MOST = 5_000  # parts of a backup
YAML = (".yaml", ".yml")
DATABASE = re.compile(r"data/[A-Za-z0-9][A-Za-z0-9._-]{0,60}\.db")
REPORT = re.compile(r"data/reports/[A-Za-z0-9_-]{1,64}/report\.[a-z]{2,5}")

Plain = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]{0,500}$")]  # it may be printed
Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""


class Part(BaseModel):
    """One file of a backup. size: bytes; sha256: of the content, hex."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(max_length=500)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """The last member of the archive.

    made_at: ISO 8601 with its zone. store, database: where these were, without secrets.
    inventory: name of the main file below inventory/, empty when none could be read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    program: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,50}$")]
    made_at: Annotated[str, Field(pattern=r"^[0-9T:.+Z-]{10,40}$")]
    store: Plain
    database: Plain
    inventory: Plain
    parts: Annotated[tuple[Part, ...], Field(max_length=MOST)]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)

    def has(self, name: str) -> bool:
        """Whether a part of this name is in it."""
        return any(part.name == name for part in self.parts)


def read_manifest(text: bytes) -> Manifest:
    """Raises BackupError for anything but a manifest this program understands."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise BackupError(_("its list of contents is damaged ({where})", where=where)) from None
    if manifest.format != FORMAT:
        message = "of a newer program (format {format}, version {program}); restore it with that"
        words = {"format": str(manifest.format), "program": manifest.program}
        raise BackupError(_(message, **words))
    return manifest


def check_name(name: str) -> None:
    """Raise BackupError for a name that no backup of ours has: nothing else is ever written."""
    if name == NAME or DATABASE.fullmatch(name) or REPORT.fullmatch(name):
        return
    path = PurePosixPath(name)
    if path.parts[:1] == (INVENTORY,) and allowed_inventory(name.removeprefix(f"{INVENTORY}/")):
        return
    raise BackupError(
        _("it holds a file that does not belong there: {name}", name=repr(name)[:200])
    )


def allowed_inventory(name: str) -> bool:
    """Whether a file may be one of the inventory: YAML, below its folder, nothing hidden."""
    path = PurePosixPath(name)
    plain = str(path) == name and not path.is_absolute() and name.isprintable()
    shown = all(part not in ("..", "") and not part.startswith(".") for part in path.parts)
    return plain and shown and "\\" not in name and path.suffix in YAML and len(name) <= 400


def sqlite_file(url: str) -> Path | None:
    """The file of a sqlite URL; None of anything else."""
    scheme, sep, rest = url.partition(":///")
    if not sep or scheme.partition("+")[0] != "sqlite" or not rest or rest == ":memory:":
        return None
    return Path(rest.partition("?")[0])


def public(url: str) -> str:
    """A URL without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
