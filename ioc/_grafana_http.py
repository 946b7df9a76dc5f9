"""Talking to Grafana through grafana-api, and its troubles in one sentence each.

GrafanaError
├── NotThere        nothing answers at the address, or what answers is not Grafana
├── TokenRefused    the token is wrong, expired or revoked
├── RightMissing    the token may not do this
├── TooOld          the version is not supported
└── Refused         Grafana does not take it, or has a fault of its own
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from grafana_api.grafana_api import GrafanaClientError, GrafanaException, GrafanaUnauthorizedError
from grafana_api.grafana_face import GrafanaFace

from ioc.i18n import _, mark

OLDEST = 11  # major version
TIMEOUT = 15.0  # seconds for one answer


class GrafanaError(Exception):
    """The message is in the user's language and names the remedy."""


class NotThere(GrafanaError):
    pass


class TokenRefused(GrafanaError):
    pass


class RightMissing(GrafanaError):
    pass


class TooOld(GrafanaError):
    pass


class Refused(GrafanaError):
    pass


class Grafana:
    """One Grafana. url: as in a browser, `https://grafana.example/path`. token: of a service
    account."""

    def __init__(self, url: str, token: str) -> None:
        try:
            parts = urlsplit(url.rstrip("/"))
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
            shown = f"{parts.scheme}://{host}" if host else "…"  # the rest may be a password
            text = _("IOC_GRAFANA_URL={url}: must look like https://grafana.example", url=shown)
            raise NotThere(text)
        prefix = parts.path.strip("/")
        self.url = url.rstrip("/")
        self._face = GrafanaFace(
            token,
            host=f"[{host}]" if ":" in host else host,
            port=port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            timeout=TIMEOUT,
        )
        # Of a host that also has an account in ~/.netrc the token must win.
        self._face.api.s.trust_env = False
        # A redirected POST would become a GET, and its answer look like success.
        self._face.api.s.max_redirects = 0

    def check(self) -> str:
        """The version, after making sure that it is a Grafana that we can publish to.

        Raises NotThere, TooOld, TokenRefused.
        """
        with self._translated(_("reading its state"), probe=True):
            health = self._face.api.GET("/health")
        if not isinstance(health, dict) or "database" not in health:
            raise NotThere(self._no_grafana())
        version = str(health.get("version") or "")
        major = version.partition(".")[0]
        if major.isdecimal() and int(major) < OLDEST:
            words = {"url": self.url, "version": version, "oldest": OLDEST}
            raise TooOld(
                _("Grafana at {url} is version {version}; {oldest} or newer is needed", **words)
            )
        self.get("/folders?limit=1", what=_("reading folders"))
        return version or "?"

    def get(self, path: str, *, what: str) -> Any:
        """What stands at a path. what: it is for, in words, for a missing right."""
        with self._translated(what):
            return self._face.api.GET(path)

    def find(self, path: str, *, what: str) -> Any | None:
        """The same; None when there is no such thing."""
        with self._translated(what):
            try:
                return self._face.api.GET(path)
            except GrafanaClientError as error:
                if error.status_code == 404:
                    return None
                raise

    def post(self, path: str, body: dict[str, Any], *, what: str) -> Any:
        with self._translated(what):
            return self._face.api.POST(path, json=body)

    def put(self, path: str, body: dict[str, Any], *, what: str) -> Any:
        with self._translated(what):
            return self._face.api.PUT(path, json=body)

    def patch(self, path: str, body: dict[str, Any], *, what: str) -> Any:
        with self._translated(what):
            return self._face.api.PATCH(path, json=body)

    @contextmanager
    def _translated(self, what: str, *, probe: bool = False) -> Iterator[None]:
        """The one table of troubles. probe: it may not be a Grafana at all."""
        try:
            yield
        except GrafanaUnauthorizedError as error:
            words = {"url": self.url, "said": _said(error)}
            text = mark("Grafana at {url} refuses the token in IOC_GRAFANA_TOKEN ({said})")
            raise TokenRefused(_(text, **words)) from error
        except GrafanaException as error:
            if error.status_code == 403:
                text = _("the token may not do this: {what} ({said})", what=what, said=_said(error))
                raise RightMissing(text) from error
            if error.status_code == 404 and probe:
                raise NotThere(self._no_grafana()) from error
            words = {"what": what, "status": error.status_code, "said": _said(error)}
            raise Refused(_("Grafana refuses: {what} ({status}: {said})", **words)) from error
        except ValueError as error:  # no JSON
            raise NotThere(self._no_grafana()) from error
        except OSError as error:  # of requests, too
            elsewhere = _leads_to(error)
            if elsewhere is not None:
                text = mark("{url} leads on to {elsewhere}; write that into IOC_GRAFANA_URL")
                raise NotThere(_(text, url=self.url, elsewhere=elsewhere)) from error
            words = {"url": self.url, "why": _why(error)}
            raise NotThere(_("no answer from Grafana at {url}: {why}", **words)) from error

    def _no_grafana(self) -> str:
        return _("what answers at {url} is not Grafana; check IOC_GRAFANA_URL", url=self.url)


def _said(error: GrafanaException) -> str:
    """Grafana's own words, in one line."""
    response = error.response
    said = response.get("message") if isinstance(response, dict) else response
    return " ".join(str(said or error.message).split())[:300]


def _leads_to(error: OSError) -> str | None:
    """Where a redirect that was not followed leads, without the path of the question."""
    response = getattr(error, "response", None)
    location = response.headers.get("Location") if response is not None else None
    return str(location).partition("/api/")[0] if location else None


def _why(error: BaseException) -> str:
    """The system's words for a failed connection: requests wraps them four times."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        if isinstance(seen, TimeoutError) or "timeout" in type(seen).__name__.lower():
            return _("no answer within {timeout} s", timeout=TIMEOUT)
        arguments = [a for a in seen.args if isinstance(a, BaseException)]
        reason = getattr(seen, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        seen = inner or next(iter(arguments), None) or seen.__cause__ or seen.__context__
    return str(error).splitlines()[0][:200]
