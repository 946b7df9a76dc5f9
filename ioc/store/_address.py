"""Addresses of servers: `kind://host:port,host:port/name?option=value`. Secrets are elsewhere."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from ioc.i18n import _
from ioc.store.base import StoreError

TOKEN = "IOC_STORE_TOKEN"  # noqa: S105 - the name of the variable that holds it

HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:/@,\s]+)(?::[0-9]{1,5})?"

_HOST = re.compile(r"(?P<host>\[.+\]|[^:]+)(?::(?P<port>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class Address:
    """hosts: (name, port); port None = the usual one. name: what follows the host, "" = nothing."""

    kind: str
    hosts: tuple[tuple[str, int | None], ...]
    name: str
    options: Mapping[str, str]

    def base(self, host: tuple[str, int | None], port: int) -> str:
        """Where a host answers: `http://host:port`. port: the usual one."""
        scheme = "https" if self.options.get("tls") == "1" else "http"
        return f"{scheme}://{host[0]}:{host[1] or port}"

    @property
    def timeout(self) -> float:
        """Seconds without a byte after which a request has failed."""
        return float(self.options.get("timeout", "20"))


def parse(url: str, example: str, options: Mapping[str, str]) -> Address:
    """An address. options: those that this kind knows besides tls, ca, gzip and timeout, and
    what a value must look like.

    Raises StoreError, which never repeats a password.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        words = {"kind": parts.scheme, "variable": TOKEN}
        raise StoreError(_("IOC_STORE={kind}://…: put the secret into {variable}", **words))
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check(url, given, options)
    try:
        return Address(parts.scheme, hosts(parts.netloc), unquote(parts.path.strip("/")), given)
    except ValueError:
        raise StoreError(
            _("IOC_STORE={url}: must look like {example}", url=_safe(url), example=example)
        ) from None


def hosts(text: str) -> tuple[tuple[str, int | None], ...]:
    """`host:port,host:port`. Raises ValueError."""
    found = [re.fullmatch(HOST, host) and _HOST.fullmatch(host) for host in text.split(",")]
    named = tuple((one["host"], int(one["port"] or 0) or None) for one in found if one)
    if len(named) < len(found) or any((port or 0) > 65535 for _host, port in named):
        raise ValueError(f"not host:port: {text}")
    return named


def _check(url: str, given: Mapping[str, str], options: Mapping[str, str]) -> None:
    rules = {
        "tls": r"[01]",
        "gzip": r"[01]",
        "timeout": r"[1-9][0-9]{0,3}",
        "ca": r".+",
        **options,
    }
    for name, value in given.items():
        if name not in rules:
            words = {"url": _safe(url), "name": name, "known": ", ".join(sorted(rules))}
            raise StoreError(_("IOC_STORE={url}: unknown option {name}; one of {known}", **words))
        if not re.fullmatch(rules[name], value):
            words = {"url": _safe(url), "name": name, "value": value}
            raise StoreError(_("IOC_STORE={url}: {name}={value} cannot be used", **words))
    if "ca" in given and not Path(given["ca"]).is_file():
        raise StoreError(
            _("IOC_STORE={url}: no such file: {path}", url=_safe(url), path=given["ca"])
        )


def _safe(url: str) -> str:
    """A URL as a message may show it: no value of what might be a secret given by mistake."""
    return re.sub(r"(?i)((?:token|password|pass|secret|key)=)[^&]*", r"\1…", url)


def secret() -> str | None:
    """The token, or user:password, from the environment. Raises StoreError, which shows none."""
    text = os.environ.get(TOKEN, "").strip()
    if not re.fullmatch(r"[\x21-\x7e]*", text):
        raise StoreError(_("{variable}: only printable ASCII without spaces", variable=TOKEN))
    return text or None


def authorization(token: str | None, scheme: str) -> dict[str, str]:
    """The header for a secret: `user:password` is basic authentication, anything else a token of
    the scheme."""
    if token is None:
        return {}
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"{scheme} {token}"}
