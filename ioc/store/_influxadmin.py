"""What an InfluxDB must have before it can be used: a bucket, a way for InfluxQL to it, retention.

Made where the token may; where it may not, the error says which permission is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ioc.i18n import _
from ioc.store._http import BadToken, Forbidden, Http, NotFound, Reply
from ioc.store._influxql import found, identifier
from ioc.store.base import StoreRefused, StoreUnavailable

UNITS = {"h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}  # seconds
# Costs nothing, and is refused where the database is missing; SHOW MEASUREMENTS is not.
PROBE = 'SELECT * FROM "check" WHERE time >= 0 AND time < 1 LIMIT 1'
POLICY = "autogen"  # the retention policy that a database of InfluxDB 1 has from the start


def seconds(retention: str) -> int:
    """`90d`, `10y`; "" = for ever, 0."""
    return int(retention[:-1]) * UNITS[retention[-1]] if retention else 0


class Admin:
    """http: with the token. bucket, org: names. keep: seconds, 0 = for ever, None = not ours."""

    def __init__(self, http: Http, bucket: str, org: str, keep: int | None) -> None:
        self._http, self._bucket, self._org, self._keep = http, bucket, org, keep

    def version(self) -> int:
        """1, 2 or 3. Raises StoreError."""
        said = self._http.ask("GET", "/ping").headers.get("X-Influxdb-Version", "")
        number = re.match(r"v?([123])\.", said)
        if number is None:
            words = {"store": self._http.name, "version": said or "-"}
            message = _("{store}: not an InfluxDB of version 1, 2 or 3 ({version})", **words)
            raise StoreUnavailable(message)
        return int(number[1])

    def ensure(self) -> None:
        """Make what is missing; nothing when all is there. Raises StoreError."""
        {1: self._database, 2: self._mapped_bucket, 3: self._configured}[self.version()]()

    # --- InfluxDB 1: a database and its retention policy

    def _database(self) -> None:
        admin = _("create databases (admin)")
        name = identifier(self._bucket)
        if not self._answers():
            kept = "" if self._keep is None else f" WITH DURATION {self._keep}s"
            self._may(admin, lambda: self._query(f"CREATE DATABASE {name}{kept}"))
        elif self._keep is not None:
            policy, now_kept = self._policy()
            if now_kept != self._keep:
                change = f"ALTER RETENTION POLICY {policy} ON {name} DURATION {self._keep}s"
                self._may(admin, lambda: self._query(change))

    def _answers(self) -> bool:
        try:
            self._query(PROBE)
        except NotFound:
            return False
        return True

    def _policy(self) -> tuple[str, int | None]:
        """The policy that writing uses, as an identifier, and how long it keeps, in seconds."""
        for series in self._query(f"SHOW RETENTION POLICIES ON {identifier(self._bucket)}"):
            for values in series.get("values", ()):
                row = dict(zip(series["columns"], values, strict=True))
                if row.get("default"):
                    return identifier(str(row["name"])), _length(str(row["duration"]))
        return identifier(POLICY), None

    def _query(self, statement: str) -> list[dict[str, Any]]:
        form = [("db", self._bucket), ("q", statement)]
        return found(self._http.ask("POST", "/query", form=form).body, self._http.name)

    # --- InfluxDB 2: a bucket, and a mapping of the database that InfluxQL names to it

    def _mapped_bucket(self) -> None:
        if not self._org:
            words = {"store": self._http.name, "example": "?org=huyen"}
            raise StoreUnavailable(_("{store}: say the organization, as in {example}", **words))
        bucket = self._known_bucket() or self._made_bucket()
        number = str(bucket.get("id", ""))
        rules = bucket.get("retentionRules") or []
        kept = int(rules[0].get("everySeconds") or 0) if rules else 0
        if self._keep is not None and kept != self._keep:
            self._ask_to(_("write buckets"), "PATCH", f"/api/v2/buckets/{number}", self._rules())
        self._mapping(number)

    def _known_bucket(self) -> dict[str, Any] | None:
        """None: there is no such bucket; one that the token may not read is an empty list."""
        query = {"org": self._org, "name": self._bucket}
        try:
            buckets = self._look(_("read buckets"), "/api/v2/buckets", query, "buckets")
        except NotFound as error:
            if "organization" in str(error):
                raise self._no_organization() from None
            return None
        if not buckets:
            raise self._lacks(_("read buckets"))
        return dict(buckets[0])

    def _made_bucket(self) -> dict[str, Any]:
        try:
            known = self._look(_("read orgs"), "/api/v2/orgs", {"org": self._org}, "orgs")
        except NotFound:
            known = []
        if not known:
            raise self._lacks(_("read orgs"))
        body = {"orgID": known[0]["id"], "name": self._bucket, **self._rules()}
        try:
            made = self._ask_to(_("write buckets"), "POST", "/api/v2/buckets", body)
        except StoreRefused as error:
            if "already exists" not in str(error):
                raise
            known_now = self._known_bucket()  # another program was quicker
            if known_now is None:  # it is there, but this token may not see it
                raise self._lacks(_("read buckets")) from None
            return known_now
        return made.json()

    def _rules(self) -> dict[str, Any]:
        return {"retentionRules": [{"type": "expire", "everySeconds": self._keep or 0}]}

    def _mapping(self, bucket: str) -> None:
        """Whoever may read and write a bucket may do so with its mapping."""
        query = {"org": self._org, "db": self._bucket}
        known = self._look(_("read buckets"), "/api/v2/dbrps", query, "content")
        if any(one.get("bucketID") == bucket and one.get("default") for one in known):
            return
        body = {
            "org": self._org,
            "bucketID": bucket,
            "database": self._bucket,
            "retention_policy": POLICY,
            "default": True,
        }
        self._ask_to(_("write buckets"), "POST", "/api/v2/dbrps", body)

    # --- InfluxDB 3: a database

    def _configured(self) -> None:
        there = self._answers()
        if there and not self._keep:
            return
        body: dict[str, object] = {"db": self._bucket}
        if self._keep:
            body["retention_period"] = f"{self._keep}s"
        method, admin = "PUT" if there else "POST", _("create databases (admin)")
        self._ask_to(admin, method, "/api/v3/configure/database", body)

    # --- asking, and what it means when it is forbidden

    def _look(self, permission: str, path: str, query: dict[str, str], key: str) -> list[Any]:
        reply = self._may(permission, lambda: self._http.ask("GET", path, query))
        return list(reply.json().get(key) or [])

    def _ask_to(self, permission: str, method: str, path: str, body: dict[str, Any]) -> Reply:
        reply: Reply = self._may(permission, lambda: self._http.ask(method, path, body=body))
        return reply

    def _may(self, permission: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except BadToken:
            raise
        except Forbidden as error:
            raise self._lacks(permission) from error

    def _lacks(self, permission: str) -> Forbidden:
        words = {"store": self._http.name, "permission": permission}
        return Forbidden(_("{store}: the token lacks the permission: {permission}", **words))

    def _no_organization(self) -> Forbidden:
        words = {"store": self._http.name, "org": self._org}
        return Forbidden(_("{store}: no organization {org}", **words))


def _length(text: str) -> int:
    """Seconds of a duration as Go writes it: `87600h0m0s`."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))
