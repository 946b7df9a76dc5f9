"""What Grafana should have: a folder, a data source, the dashboards, a playlist, an account."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ioc.i18n import _, mark
from ioc.store import influxdb, victoriametrics
from ioc.store._address import TOKEN, parse

DASHBOARDS = Path(__file__).parent.parent / "dashboards" / "json"
FOLDER = {"uid": "mini-ioc", "title": "Mini IOC"}
ACCOUNT = {"name": "mini-ioc-wall", "role": "Viewer"}
READER = "IOC_GRAFANA_STORE_TOKEN"
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
    """The data source for a store (IOC_STORE) and a token that may only read it. url: where
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


def reading_token(store: str, environ: Mapping[str, str]) -> str | None:
    """What Grafana reads the store with; None = the store wants nothing. Whoever may look at a
    dashboard can send any query with it, so it must not be one that may write and delete.

    Raises WantedError, which says how to make one that only reads.
    """
    own, reader = environ.get(TOKEN) or None, environ.get(READER) or None
    influx = store.startswith("influxdb:")
    if own is None or (reader is not None and not (influx and reader == own)):
        return reader
    words = {"name": READER, "own": TOKEN}
    if influx:
        words["database"] = parse(store, influxdb.EXAMPLE, influxdb.OPTIONS).name
        text = mark(
            "{name} is not set to a secret of its own: with {own} every viewer of Grafana could "
            "delete the series; make one that only reads (InfluxDB 2: influx v1 auth create "
            "--username grafana --read-bucket ID, with the ID of bucket {database} from influx "
            "bucket list; InfluxDB 1: CREATE USER and GRANT READ) and set {name}=NAME:PASSWORD"
        )
    else:
        text = mark(
            "{name} is not set: {own} may write, and Grafana should only read; give Grafana a "
            "user of vmauth for reading paths only and set {name}=NAME:PASSWORD"
        )
    raise WantedError(_(text, **words))


def _influx(store: str, token: str | None, url: str | None) -> Source:
    address = parse(store, influxdb.EXAMPLE, influxdb.OPTIONS)
    body = _body("ioc-influxdb", "influxdb", "Mini IOC (InfluxDB)")
    body["url"] = url or address.base(address.hosts[0], influxdb.PORT)
    body["jsonData"] |= {"version": "InfluxQL", "dbName": address.name, "httpMode": "POST"}
    return Source("influxql", body, _secret(body, token, "Token"))


def _victoria(store: str, token: str | None, url: str | None) -> Source:
    address = parse(store, victoriametrics.EXAMPLE, victoriametrics.OPTIONS)
    body = _body("ioc-victoriametrics", "prometheus", "Mini IOC (VictoriaMetrics)")
    tenant = address.options.get("tenant")
    port = victoriametrics.SINGLE if tenant is None else victoriametrics.SELECT
    path = "" if tenant is None else f"/select/{tenant}/prometheus"
    body["url"] = url or address.base(address.hosts[-1], port) + path
    body["jsonData"] |= {"httpMethod": "POST", "prometheusType": "Prometheus"}
    # Half a cluster must not pass for the whole: an answer without a storage is an error.
    body["jsonData"]["customQueryParameters"] = "deny_partial_response=1"
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
    """How the store's token is sent: as the store itself does it. `user:password` is Basic;
    InfluxDB 2 does not take it behind `Token`."""
    if not token:
        return {}
    user, colon, password = token.partition(":")
    if colon:
        body |= {"basicAuth": True, "basicAuthUser": user}
        return {"basicAuthPassword": password}
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
