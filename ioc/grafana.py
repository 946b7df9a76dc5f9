"""Publishing to an existing Grafana: what differs, and making it so.

wanted ─▶ compared with what is there ─▶ Change(new | changed | same | kept) ─▶ written

Idempotent: a second run finds everything the same. Nothing is deleted. What files of that Grafana
provide (provisioning) is left as it is. Grafana adds keys of its own to what it keeps, so only what
we want is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ioc import _grafana_wanted as wanted
from ioc._grafana_http import Grafana
from ioc._grafana_wanted import Source
from ioc.i18n import _

SHOWN = 5  # differences that are named for one thing
IGNORED = frozenset({"id", "version", "schemaVersion"})  # Grafana's own numbering
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """kind: folder | datasource | dashboard | playlist | account | token. action: new | changed |
    same | sent (the same, its secret written again) | kept (a file of that Grafana provides it).
    differences: what changed, the first few.
    secret: a new token, shown once."""

    kind: str
    name: str
    action: str
    differences: tuple[str, ...] = ()
    secret: str | None = None


class Publisher:
    """Compares and writes. dry: only compares."""

    def __init__(self, grafana: Grafana, *, dry: bool = False) -> None:
        self._grafana = grafana
        self._dry = dry

    def publish(
        self, source: Source, console: str, folder: Path = wanted.DASHBOARDS
    ) -> Iterator[Change]:
        """Everything, in the order in which one thing needs another. console: address of the
        program's own pages. Raises GrafanaError, WantedError."""
        boards = list(wanted.dashboards(source.language, console, folder))
        self._grafana.check()
        yield self._folder()
        yield self._source(source)
        for board in boards:
            yield self._board(board)
        yield self._playlist()
        yield from self._account()

    # --- one thing each

    def _folder(self) -> Change:
        body, what = wanted.FOLDER, _("making the folder {name}", name=wanted.FOLDER["title"])
        there = self._grafana.find(f"/folders/{body['uid']}", what=what)
        return self._write(
            Change("folder", body["title"], *_compared(body, there)),
            lambda: self._grafana.post("/folders", dict(body), what=what),
            lambda: self._grafana.put(
                f"/folders/{body['uid']}", {**body, "overwrite": True}, what=what
            ),
        )

    def _source(self, source: Source) -> Change:
        name = str(source.body["name"])
        what = _("making the data source {name}", name=name)
        path = f"/datasources/uid/{source.uid}"
        there = self._grafana.find(path, what=what)
        if there is not None and there.get("readOnly"):
            return Change("datasource", name, "kept")
        body = dict(source.body)
        if there is not None:
            body["isDefault"] = there.get("isDefault", False)
        action, differences = _compared(body, there)
        known = (there or {}).get("secureJsonFields") or {}
        if there is not None and any(not known.get(key) for key in source.secret):
            action, differences = "changed", (*differences, _("the store's token is not there"))
        elif action == "same" and source.secret and not self._dry:
            action = "sent"  # Grafana does not tell which one it has: maybe one with more rights
        if there is not None:
            theirs = dict(there.get("jsonData") or {})
            theirs.pop("httpHeaderName1", None)  # ours: a token of before
            body["jsonData"] = {**theirs, **body["jsonData"]}
        whole = {**body, "secureJsonData": dict(source.secret)}
        return self._write(
            Change("datasource", name, action, differences),
            lambda: self._grafana.post("/datasources", whole, what=what),
            lambda: self._grafana.put(path, whole, what=what),
        )

    def _board(self, board: Json) -> Change:
        title = str(board["title"])
        what = _("saving the dashboard {name}", name=title)
        found = self._grafana.find(f"/dashboards/uid/{board['uid']}", what=what)
        if found is not None and found["meta"].get("provisioned"):
            return Change("dashboard", title, "kept")
        action, differences = _compared(board, found and found["dashboard"])
        uid = wanted.FOLDER["uid"]
        if found is not None and found["meta"].get("folderUid") != uid:
            action, differences = "changed", (*differences, _("it is in another folder"))
        body = {
            "dashboard": {**board, "id": None},
            "folderUid": uid,
            "overwrite": True,
            "message": "ioc grafana publish",
        }

        def save() -> Any:
            return self._grafana.post("/dashboards/db", body, what=what)

        return self._write(Change("dashboard", title, action, differences), save, save)

    def _playlist(self) -> Change:
        body, what = wanted.playlist(), _("making the playlist {name}", name=wanted.PLAYLIST)
        listed = self._grafana.get("/playlists", what=what)
        uid = next((one["uid"] for one in listed or () if one["name"] == body["name"]), None)
        there = uid and self._grafana.find(f"/playlists/{uid}", what=what)
        return self._write(
            Change("playlist", body["name"], *_compared(body, there or None)),
            lambda: self._grafana.post("/playlists", body, what=what),
            lambda: self._grafana.put(f"/playlists/{uid}", {**body, "uid": uid}, what=what),
        )

    def _account(self) -> Iterator[Change]:
        body, what = (
            wanted.ACCOUNT,
            _("making the service account {name}", name=wanted.ACCOUNT["name"]),
        )
        answer = self._grafana.get(f"/serviceaccounts/search?query={body['name']}", what=what)
        found = answer.get("serviceAccounts") or []
        there = next((one for one in found if one["name"] == body["name"]), None)
        made: list[Json] = [there] if there else []
        path = f"/serviceaccounts/{there['id']}" if there else ""
        action, found_out = _compared(body, there)
        if there and there.get("isDisabled"):  # somebody's decision: said, not undone
            found_out = (*found_out, _("it is disabled in Grafana: its tokens do not work"))
        yield self._write(
            Change("account", str(body["name"]), action, found_out),
            lambda: made.append(self._grafana.post("/serviceaccounts", dict(body), what=what)),
            lambda: self._grafana.patch(path, dict(body), what=what),
        )
        yield self._token(made[0] if made else None)

    def _token(self, account: Json | None) -> Change:
        """A token for the wall, when there is none that still works."""
        name, what = wanted.TOKEN_NAME, _("making a token for the wall")
        path = f"/serviceaccounts/{account['id']}/tokens" if account else ""
        known = self._grafana.get(path, what=what) if account else []
        names = {one["name"] for one in known}
        if any(_works(one) for one in known):
            return Change("token", name, "same")
        if self._dry:
            return Change("token", name, "new")
        number = 1 + len(names)
        fresh = name if name not in names else f"{name}-{number}"
        made = self._grafana.post(path, {"name": fresh}, what=what)
        return Change("token", fresh, "new", secret=made["key"])

    def _write(self, change: Change, make: Callable[[], Any], mend: Callable[[], Any]) -> Change:
        if not self._dry and change.action != "same":
            (make if change.action == "new" else mend)()
        return change


def _works(token: Json) -> bool:
    ours = str(token["name"]).startswith(wanted.TOKEN_NAME)
    return ours and not token.get("hasExpired") and not token.get("isRevoked")


def _compared(body: Json, there: Json | None) -> tuple[str, tuple[str, ...]]:
    """(action, differences)."""
    if there is None:
        return "new", ()
    found = list(differences(body, there))
    more = _("and {count} more", count=len(found) - SHOWN)
    shown = [*found[:SHOWN], more] if len(found) > SHOWN else found
    return ("changed" if found else "same"), tuple(shown)


def differences(ours: object, theirs: object, path: str = "") -> Iterator[str]:
    """Paths at which what is there is not what we want. Keys that only they have do not count."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name, value in ours.items():
            if name in IGNORED and not path:
                continue
            inner = f"{path}.{name}" if path else str(name)
            if name not in theirs:
                if value not in (None, False, "", [], {}):
                    yield inner
            else:
                yield from differences(value, theirs[name], inner)
    elif _is_list(ours) and _is_list(theirs):
        assert isinstance(ours, Sequence)
        assert isinstance(theirs, Sequence)
        if len(ours) != len(theirs):
            yield path
            return
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield path


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
