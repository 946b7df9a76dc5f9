"""Addresses, paths and secrets from the environment (`IOC_*`) or a `.env` file.

What exists in the district is in the inventory, never here; secrets are here, never there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

UNITS = {"MB": 2**20, "GB": 2**30}


class SettingsError(Exception):
    """An environment variable cannot be used; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """inventory: file. data_dir: where databases live. listen: host, port of the web server.

    store: URL of the time-series store. database: SQLAlchemy URL of the state database.
    tls_cert, tls_key: PEM files the web server uses. proxy: address of the proxy before us that
    is believed about who asks and how. language: "vi" | "en". hosts: further host names under
    which the pages are asked for. outbox_limit: bytes that what waits for a store on the network
    may take, None = see ioc.outbox.batches. published: in a container, the address of the host at
    which our port can be reached.
    """

    inventory: Path
    data_dir: Path
    store: str
    database: str
    listen_host: str
    listen_port: int
    language: str
    hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    proxy: str | None = None
    published: str | None = None
    outbox_limit: int | None = None

    @property
    def exposed(self) -> bool:
        """Whether passwords cross a network in the open: reachable, no TLS, no proxy for it."""
        host = self.published or self.listen_host
        local = host in ("localhost", "::1") or host.startswith("127.")
        return not local and self.tls_cert is None and self.proxy is None


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, a `.env` file in the working directory filling the gaps.

    Raises SettingsError.
    """
    dotenv = _dotenv(Path(".env"))
    if environ is None:
        for name, value in dotenv.items():  # collectors read secrets from the environment itself
            if name.startswith("IOC_"):
                os.environ.setdefault(name, value)
    env = {**dotenv, **(os.environ if environ is None else environ)}
    data_dir = Path(env.get("IOC_DATA_DIR", "data"))
    host, port = _listen(env.get("IOC_LISTEN", "127.0.0.1:8080"))
    language = env.get("IOC_LANG", "vi")
    if language not in ("vi", "en"):
        raise SettingsError(f"IOC_LANG={language}: must be vi or en")
    return Settings(
        inventory=Path(env.get("IOC_INVENTORY", "inventory.yaml")),
        data_dir=data_dir,
        store=env.get("IOC_STORE", f"sqlite:///{data_dir / 'series.db'}"),
        database=env.get("IOC_DATABASE", f"sqlite:///{data_dir / 'state.db'}"),
        listen_host=host,
        listen_port=port,
        language=language,
        tls_cert=_file(env, "IOC_TLS_CERT"),
        tls_key=_file(env, "IOC_TLS_KEY"),
        proxy=env.get("IOC_PROXY") or None,
        published=env.get("IOC_PUBLISHED") or None,
        hosts=tuple(env.get("IOC_HOSTS", "").replace(",", " ").split()),
        outbox_limit=_bytes(env.get("IOC_OUTBOX_LIMIT", "")),
    )


def _file(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name)
    if not text:
        return None
    other = "IOC_TLS_KEY" if name == "IOC_TLS_CERT" else "IOC_TLS_CERT"
    if not env.get(other):
        raise SettingsError(f"{name}: {other} is needed with it")
    if not Path(text).is_file():
        raise SettingsError(f"{name}={text}: no such file")
    return Path(text)


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"IOC_LISTEN={text}: must be HOST:PORT, for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _bytes(text: str) -> int | None:
    """`500MB`, `4GB`: bytes, None for nothing. At least 10 MB: an hour of a small district."""
    if not text:
        return None
    number, unit = text.strip()[:-2].strip(), text.strip()[-2:].upper()
    size = int(number) * UNITS[unit] if number.isdecimal() and unit in UNITS else 0
    if size < 10 * UNITS["MB"]:
        raise SettingsError(f"IOC_OUTBOX_LIMIT={text}: must be 10MB or more, for example 4GB")
    return size


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, sign, value = line.removeprefix("export ").partition("=")
        if not sign:
            raise SettingsError(f".env:{number}: must be NAME=value")
        values[name.strip()] = value.strip().strip("'\"")
    return values
