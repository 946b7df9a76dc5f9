"""What Grafana should have: a folder, a data source, the dashboards, a playlist, an account."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ioc.i18n import _, mark
from ioc.store import influxdb, victoriametrics
from ioc.store._address import parse

DASHBOARDS = Path(__file__).parent.parent / "dashboards" / "json"
FOLDER = {"uid": "mini-ioc", "title": "Mini IOC"}
ACCOUNT = {"name": "mini-ioc-wall", "role": "Viewer", "isDisabled": False}
# The name of a token, unique in the whole organization.
TOKEN_NAME = "mini-ioc-wall"  # noqa: S105
PLAYLIST = "Mini IOC: màn hình tường"
ON_THE_WALL = ("ioc-center", "ioc-links", "ioc-targets", "ioc-incidents")
EVERY = "1m"  # from one dashboard of the wall to the next
LANGUAGES = {"influxdb": "influxql", "victoriametrics": "promql"}


class WantedError(Exception):
    """It cannot be said what to publish; the message names the setting and the remedy."""


@dataclass(frozen=True, slots=True)
class Source:
    """The data source. secret: what Grafana must not show again; language: of the dashboards."""

    language: str
    body: Mapping[str, Any]
    secret: Mapping[str, str]

    @property
    def uid(self) -> str:
        return str(self.body["uid"])


def source(store: str, token: str | None, url: str | None) -> Source:
    """The data source for a store (IOC_STORE), token: what it is read with. url: where
    Grafana reaches the store, if that is another address than ours. Raises WantedError."""
    kind = store.partition(":")[0]
    if kind == "influxdb":
        return _influx(store, token, url)
    if kind == "victoriametrics":
        return _victoria(store, token, url)
    text = mark(
        "IOC_STORE={kind}: Grafana cannot read it; it needs influxdb://… or victoriametrics://…"
    )
    raise WantedError(_(text, kind=kind))


def _influx(store: str, token: str | None, url: str | None) -> Source:
    address = parse(store, influxdb.EXAMPLE, influxdb.OPTIONS)
    body = _body("ioc-influxdb", "influxdb", "Mini IOC (InfluxDB)")
    body["url"] = url or address.base(address.hosts[0], influxdb.PORT)
    body["jsonData"] |= {"version": "InfluxQL", "dbName": address.name, "httpMode": "POST"}
    user, colon, password = (token or "").partition(":")
    if colon:  # InfluxDB 2 knows a name with a password as Basic only, not behind `Token`
        body |= {"basicAuth": True, "basicAuthUser": user}
        return Source("influxql", body, {"basicAuthPassword": password})
    return Source("influxql", body, _secret(body, token, "Token"))


def _victoria(store: str, token: str | None, url: str | None) -> Source:
    address = parse(store, victoriametrics.EXAMPLE, victoriametrics.OPTIONS)
    body = _body("ioc-victoriametrics", "prometheus", "Mini IOC (VictoriaMetrics)")
    tenant = address.options.get("tenant")
    port = victoriametrics.SINGLE if tenant is None else victoriametrics.SELECT
    path = "" if tenant is None else f"/select/{tenant}/prometheus"
    body["url"] = url or address.base(address.hosts[-1], port) + path
    body["jsonData"] |= {"httpMethod": "POST", "prometheusType": "Prometheus"}
    return Source("promql", body, _secret(body, token, "Bearer"))


def _body(uid: str, kind: str, name: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "type": kind,
        "name": name,
        "access": "proxy",
        "isDefault": False,
        "basicAuth": False,
        "jsonData": {"timeInterval": "60s"},
    }


def _secret(body: dict[str, Any], token: str | None, word: str) -> dict[str, str]:
    """The header that carries the store's token."""
    if not token:
        return {}
    body["jsonData"]["httpHeaderName1"] = "Authorization"
    return {"httpHeaderValue1": f"{word} {token}"}


def dashboards(language: str, console: str, folder: Path = DASHBOARDS) -> Iterator[dict[str, Any]]:
    """The committed dashboards with the address of the program's own pages. Raises WantedError."""
    paths = sorted((folder / language).glob("*.json"))
    if not paths:
        raise WantedError(_("no dashboards in {folder}", folder=str(folder / language)))
    for path in paths:
        board = json.loads(path.read_text(encoding="utf-8"))
        for variable in board["templating"]["list"]:
            if variable["name"] == "console":
                variable["query"] = console
        yield board


def playlist() -> dict[str, Any]:
    """The dashboards of the wall, in turn."""
    items = [{"type": "dashboard_by_uid", "value": uid} for uid in ON_THE_WALL]
    return {"name": PLAYLIST, "interval": EVERY, "items": items}
