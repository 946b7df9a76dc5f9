"""`ioc grafana publish`: dashboards into an existing Grafana."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from ioc._cli_base import (
    CommandError,
    ExitCode,
    Group,
    Option,
    json_option,
    pad,
    paint,
    say,
    say_json,
    settings,
)
from ioc.i18n import _, mark
from ioc.settings import Settings

ACTIONS = {
    "new": mark("is new"),
    "changed": mark("was changed"),
    "same": mark("as it should be"),
    "sent": mark("as it should be, its secret sent again"),
    "kept": mark("provided by a file of that Grafana, left as it is"),
}
PLANNED = {"new": mark("would be new"), "changed": mark("would be changed")}
KINDS = {
    "folder": mark("folder"),
    "datasource": mark("data source"),
    "dashboard": mark("dashboard"),
    "playlist": mark("playlist"),
    "account": mark("service account"),
    "token": mark("token"),
}
COLOURS = {"new": "good", "changed": "warn", "same": "quiet", "sent": "quiet", "kept": "quiet"}


@click.group("grafana", cls=Group, help=mark("Dashboards in Grafana."))
def grafana_commands() -> None:
    """Commands on Grafana."""


@grafana_commands.command(
    "publish",
    help=mark(
        "Put folder, data source, dashboards, playlist and a viewer's account into the Grafana at "
        "IOC_GRAFANA_URL, with the token in IOC_GRAFANA_TOKEN. May be repeated."
    ),
)
@click.option("--dry-run", is_flag=True, cls=Option, help=mark("Only show what would change."))
@click.option(
    "--console",
    metavar="URL",
    cls=Option,
    help=mark("Address of our own pages, for links (otherwise IOC_LISTEN)."),
)
@click.option(
    "--store-url",
    metavar="URL",
    cls=Option,
    help=mark("Where Grafana reaches the store (otherwise as in IOC_STORE)."),
)
@click.option(
    "--dashboards",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    cls=Option,
    help=mark("Folder with influxql/ and promql/ (otherwise the program's own)."),
)
@json_option
def publish(
    dry_run: bool,
    console: str | None,
    store_url: str | None,
    dashboards: Path | None,
    as_json: bool,
) -> int:
    """Publish the dashboards."""
    from ioc import _grafana_wanted as wanted
    from ioc._grafana_http import Grafana, GrafanaError
    from ioc.grafana import Publisher
    from ioc.store.base import StoreError

    current = settings()
    url, token = _required("IOC_GRAFANA_URL"), _required("IOC_GRAFANA_TOKEN")
    try:
        source = wanted.source(
            current.store, wanted.reading_token(current.store, os.environ), store_url
        )
        publisher = Publisher(Grafana(url, token), dry=dry_run)
        pages = (console or _own_pages(current)).rstrip("/")
        done = []
        for change in publisher.publish(source, pages, dashboards or wanted.DASHBOARDS):
            done.append(change)
            if not as_json:
                _show(change, dry=dry_run)
    except (wanted.WantedError, StoreError) as error:
        raise CommandError(str(error)) from error
    except GrafanaError as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error
    if as_json:
        say_json(done)
    return ExitCode.FINE


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise CommandError(_("{name} is not set; see .env", name=name))
    return value


def _own_pages(current: Settings) -> str:
    host = current.hosts[0] if current.hosts else current.listen_host
    scheme = "https" if current.tls_cert else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{current.listen_port}"


def _show(change: object, *, dry: bool) -> None:
    from ioc.grafana import Change

    assert isinstance(change, Change)
    words = PLANNED.get(change.action) if dry else None
    action = _(words or ACTIONS[change.action])
    say(f"{pad(_(KINDS[change.kind]), 18)} {change.name}: {paint(action, COLOURS[change.action])}")
    _list(change.differences)
    if change.secret:
        say(_("Token for the wall, shown this once: {token}", token=change.secret))


def _list(lines: Sequence[str]) -> None:
    for line in lines:
        say(f"{'':18}   {line}")
