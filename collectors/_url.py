"""Web addresses: taken apart, checked, joined."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}
MAX_URL = 4096
HOST = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Url:
    """host: an address without brackets or an ASCII name; target: path and query, quoted."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Url:
        """Where a Location header leads. Raises ValueError."""
        return parse_url(urljoin(str(self), location.strip()))


def parse_url(text: str) -> Url:
    """Raises ValueError, in words, for what is not an http or https address."""
    if len(text) > MAX_URL or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("must be a web address without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = _ascii_host(parts.hostname) if parts.hostname else ""
    except ValueError:
        raise ValueError("must be a valid web address") from None
    if parts.scheme not in PORTS or not host or port == 0:
        raise ValueError("must be a web address that starts with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    target = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:=&~+!$,;'@()*?[]")
    return Url(parts.scheme, host, port or PORTS[parts.scheme], target)


def _ascii_host(host: str) -> str:
    """Raises ValueError (UnicodeError is one)."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        name = host.encode("idna").decode("ascii")
    if not HOST.fullmatch(name):  # IDNA makes spaces of some letters
        raise ValueError(name)
    return name
