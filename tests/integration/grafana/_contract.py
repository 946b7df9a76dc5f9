"""Grafana's HTTP API as `ioc grafana publish` needs it, by hand, over real sockets.

Written from Grafana 12.4's own sources (pkg/api, public/openapi3.json, apps/playlist,
pkg/services/serviceaccounts): paths, verbs, bodies it takes, what it answers, what it adds to what
it keeps, and the words of its refusals. A body with a key that Grafana's command does not have is
refused: Grafana would drop it silently, and a publisher that relies on it would be wrong.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_of-the-test"
KEYS = {
    "folder": {"uid", "title", "parentUid", "description", "overwrite", "version"},
    "datasource": {"uid", "name", "type", "access", "url", "isDefault", "jsonData",
                   "secureJsonData", "basicAuth", "basicAuthUser", "database", "user",
                   "withCredentials", "version"},
    "save": {"dashboard", "folderUid", "overwrite", "message", "isFolder", "folderId"},
    "playlist": {"uid", "name", "interval", "items"},
    "account": {"name", "role", "isDisabled"},
    "token": {"name", "secondsToLive"},
}  # fmt: skip


class Refusal(Exception):
    """status and the words of an answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class State:
    """What this Grafana has. rights: what the token may do, None = all. calls: (verb, path) that
    changed something or would have."""

    version: str = "12.4.0"
    token: str = TOKEN
    rights: set[str] | None = None
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasources: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)  # never given back
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    meta: dict[str, dict[str, Any]] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[int, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    broken: dict[str, tuple[int, Any]] = field(default_factory=dict)  # path -> status, body

    def need(self, right: str) -> None:
        if self.rights is not None and right not in self.rights:
            said = "You'll need additional permissions to perform this action. "
            raise Refusal(403, f"{said}Permissions needed: {right}")


def only(body: dict[str, Any], what: str) -> None:
    unknown = set(body) - KEYS[what]
    if unknown:
        raise Refusal(400, f"bad request data: {sorted(unknown)}")


# --- folders


def get_folder(state: State, uid: str, _body: Any) -> Any:
    state.need("folders:read")
    if uid not in state.folders:
        raise Refusal(404, "folder not found")
    return state.folders[uid]


def list_folders(state: State, _body: Any) -> Any:
    return list(state.folders.values())


def add_folder(state: State, body: Any) -> Any:
    state.need("folders:create")
    only(body, "folder")
    if body["uid"] in state.folders:
        raise Refusal(409, "a folder with the same uid exists")
    state.folders[body["uid"]] = {"id": 1, "version": 1, "url": "/dashboards/f/x", **body}
    return state.folders[body["uid"]]


def put_folder(state: State, uid: str, body: Any) -> Any:
    state.need("folders:write")
    only(body, "folder")
    if not body.get("overwrite") and body.get("version") != state.folders[uid]["version"]:
        raise Refusal(412, "the folder has been changed by someone else")
    state.folders[uid] |= {"title": body["title"], "version": state.folders[uid]["version"] + 1}
    return state.folders[uid]


# --- data sources


def get_source(state: State, uid: str, _body: Any) -> Any:
    state.need("datasources:read")
    if uid not in state.datasources:
        raise Refusal(404, "Data source not found")
    return state.datasources[uid]


def add_source(state: State, body: Any) -> Any:
    state.need("datasources:create")
    only(body, "datasource")
    if any(one["name"] == body["name"] for one in state.datasources.values()):
        raise Refusal(409, "data source with the same name already exists")
    state.datasources[body["uid"]] = _kept_source(body)
    state.secrets[body["uid"]] = dict(body.get("secureJsonData") or {})
    return {"message": "Datasource added", "id": 1, "datasource": body}


def put_source(state: State, uid: str, body: Any) -> Any:
    state.need("datasources:write")
    only(body, "datasource")
    if state.datasources[uid].get("readOnly"):
        raise Refusal(403, "Cannot update read-only data source")
    before = state.datasources[uid]["secureJsonFields"]
    state.datasources[uid] = _kept_source(body, before)
    state.secrets[uid] = state.secrets.get(uid, {}) | (body.get("secureJsonData") or {})
    return {"message": "Datasource updated", "id": 1}


def _kept_source(body: Any, before: dict[str, bool] | None = None) -> dict[str, Any]:
    """Secrets are never given back, only that they are there."""
    secret = body.get("secureJsonData") or {}
    kept = {key: value for key, value in body.items() if key != "secureJsonData"}
    known = (before or {}) | dict.fromkeys(secret, True)
    return {"id": 1, "orgId": 1, "readOnly": False, "basicAuth": False, "version": 1, **kept,
            "secureJsonFields": known}  # fmt: skip


# --- dashboards


def get_board(state: State, uid: str, _body: Any) -> Any:
    state.need("dashboards:read")
    if uid not in state.dashboards:
        raise Refusal(404, "Dashboard not found")
    return {"dashboard": state.dashboards[uid], "meta": state.meta[uid]}


def save_board(state: State, body: Any) -> Any:
    state.need("dashboards:create")
    only(body, "save")
    board = body["dashboard"]
    if board.get("id") is not None:
        raise Refusal(404, "Dashboard not found")
    if body["folderUid"] not in state.folders:
        raise Refusal(400, "folder not found")
    uid = board["uid"]
    if state.meta.get(uid, {}).get("provisioned"):
        raise Refusal(400, "Cannot save provisioned dashboard")
    if uid in state.dashboards and not body.get("overwrite"):
        raise Refusal(412, "The dashboard has been changed by someone else")
    number = state.dashboards.get(uid, {}).get("version", 0) + 1
    kept = {**board, "id": 7, "version": number}
    # What Grafana puts there by itself.
    kept["annotations"] = {"list": [*board["annotations"].get("list", [])], **kept["annotations"]}
    kept.setdefault("fiscalYearStartMonth", 0)
    for panel in kept["panels"]:
        panel.setdefault("pluginVersion", state.version)
    state.dashboards[uid] = kept
    state.meta[uid] = {"folderUid": body["folderUid"], "provisioned": False, "slug": "x"}
    return {"id": 7, "uid": uid, "status": "success", "version": number}


# --- playlists


def list_playlists(state: State, _body: Any) -> Any:
    return [
        {key: one[key] for key in ("uid", "name", "interval")} for one in state.playlists.values()
    ]


def get_playlist(state: State, uid: str, _body: Any) -> Any:
    if uid not in state.playlists:
        raise Refusal(404, "Playlist not found")
    return state.playlists[uid]


def add_playlist(state: State, body: Any) -> Any:
    state.need("playlists:write")
    only(body, "playlist")
    uid = f"list{len(state.playlists)}"
    state.playlists[uid] = {**body, "uid": uid}
    return state.playlists[uid]


def put_playlist(state: State, uid: str, body: Any) -> Any:
    state.need("playlists:write")
    only(body, "playlist")
    state.playlists[uid] = {**body, "uid": uid}
    return state.playlists[uid]


# --- service accounts


def search_accounts(state: State, _body: Any) -> Any:
    state.need("serviceaccounts:read")
    found = list(state.accounts.values())
    return {"totalCount": len(found), "serviceAccounts": found, "page": 1, "perPage": 1000}


def add_account(state: State, body: Any) -> Any:
    state.need("serviceaccounts:create")
    only(body, "account")
    number = 1 + len(state.accounts)
    state.accounts[number] = {"id": number, "login": f"sa-1-{body['name']}", "tokens": 0, **body}
    state.tokens[number] = []
    return state.accounts[number]


def patch_account(state: State, number: str, body: Any) -> Any:
    state.need("serviceaccounts:write")
    only(body, "account")
    state.accounts[int(number)] |= body
    return {"message": "Service account updated", "id": int(number), "name": body["name"]}


def list_tokens(state: State, number: str, _body: Any) -> Any:
    state.need("serviceaccounts:read")
    return state.tokens[int(number)]


def add_token(state: State, number: str, body: Any) -> Any:
    state.need("serviceaccounts:write")
    only(body, "token")
    known = state.tokens[int(number)]
    if any(one["name"] == body["name"] for tokens in state.tokens.values() for one in tokens):
        said = "service account token with given name already exists in the organization"
        raise Refusal(400, said)
    known.append({"id": len(known) + 1, "name": body["name"], "hasExpired": False})
    return {"id": len(known), "name": body["name"], "key": f"glsa_secret-{len(known)}"}


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", r"/folders", list_folders),
    ("POST", r"/folders", add_folder),
    ("GET", r"/folders/([\w-]+)", get_folder),
    ("PUT", r"/folders/([\w-]+)", put_folder),
    ("POST", r"/datasources", add_source),
    ("GET", r"/datasources/uid/([\w-]+)", get_source),
    ("PUT", r"/datasources/uid/([\w-]+)", put_source),
    ("GET", r"/dashboards/uid/([\w-]+)", get_board),
    ("POST", r"/dashboards/db", save_board),
    ("GET", r"/playlists", list_playlists),
    ("POST", r"/playlists", add_playlist),
    ("GET", r"/playlists/(\w+)", get_playlist),
    ("PUT", r"/playlists/(\w+)", put_playlist),
    ("GET", r"/serviceaccounts/search", search_accounts),
    ("POST", r"/serviceaccounts", add_account),
    ("PATCH", r"/serviceaccounts/(\d+)", patch_account),
    ("GET", r"/serviceaccounts/(\d+)/tokens", list_tokens),
    ("POST", r"/serviceaccounts/(\d+)/tokens", add_token),
]


@contextmanager
def grafana(state: State, prefix: str = "") -> Iterator[str]:
    """Runs meanwhile; gives its address. prefix: served below this path."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = self.path.partition("?")[0]
            status, found = 200, None
            try:
                if not path.startswith(f"{prefix}/api/"):
                    raise Refusal(404, "Not found")
                found = self.route(path.removeprefix(f"{prefix}/api"), body)
                made = self.command == "POST" and path.endswith("/serviceaccounts")
                status = 201 if made else 200
            except Refusal as refusal:
                status, found = refusal.status, {"message": refusal.message}
            self.send(status, found)

        def route(self, path: str, body: Any) -> Any:
            if path in state.broken:
                status, said = state.broken[path]
                if isinstance(said, str):
                    raise Refusal(status, said)
                return said
            if path == "/health":
                return {"commit": "abc", "database": "ok", "version": state.version}
            if self.headers.get("Authorization") != f"Bearer {state.token}":
                raise Refusal(401, "Invalid API key")
            if self.command != "GET":
                state.calls.append((self.command, path))
            for verb, pattern, handler in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and verb == self.command:
                    return handler(state, *match.groups(), body)
            raise Refusal(404, "Not found")

        def send(self, status: int, found: Any) -> None:
            text = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            self.wfile.flush()

        def log_message(self, *_words: Any) -> None: ...

        do_GET = do_POST = do_PUT = do_PATCH = answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
