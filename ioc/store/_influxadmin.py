"""What an InfluxDB must have before it can be used: a bucket, a way for InfluxQL to it, retention.

Made where the token may; where it may not, the error says which permission is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ioc.i18n import _
from ioc.store._http import Forbidden, Http, NotFound
from ioc.store._influxql import found
from ioc.store.base import StoreError, StoreRefused, StoreUnavailable

UNITS = {"h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}  # seconds
POLICY = "autogen"  # the retention policy that a database of InfluxDB 1 has from the start


def seconds(retention: str) -> int:
    """`90d`, `10y`; "" = for ever, 0. Raises StoreError."""
    parsed = re.fullmatch(r"([1-9][0-9]{0,4})([hdwy])", retention)
    if parsed is None and retention:
        raise StoreError(_("retention={value}: must look like 90d or 10y", value=retention))
    return int(parsed[1]) * UNITS[parsed[2]] if parsed else 0


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
        {1: self._database, 2: self._buckets, 3: self._configured}[self.version()]()

    # --- InfluxDB 1: a database and its retention policy

    def _database(self) -> None:
        if self._keep is None:
            self._query(f"CREATE DATABASE {self._identifier()}", _("create databases (admin)"))
            return
        with_policy = f'WITH DURATION {self._keep}s NAME "{POLICY}"'
        admin = _("create databases (admin)")
        try:
            self._query(f"CREATE DATABASE {self._identifier()} {with_policy}", admin)
        except StoreUnavailable as error:
            if "conflicts" not in str(error):
                raise
            change = f'ALTER RETENTION POLICY "{POLICY}" ON {self._identifier()} DURATION'
            self._query(f"{change} {self._keep}s", admin)

    def _query(self, statement: str, permission: str) -> None:
        with_words = [("q", statement)]
        reply = self._may(permission, lambda: self._http.ask("POST", "/query", form=with_words))
        found(reply.body, self._http.name)

    def _identifier(self) -> str:
        return '"' + self._bucket.replace("\\", "\\\\").replace('"', '\\"') + '"'

    # --- InfluxDB 2: a bucket, and a mapping of the database that InfluxQL names to it

    def _buckets(self) -> None:
        if not self._org:
            message = _(
                "{store}: say the organization, as in {example}",
                store=self._http.name,
                example="?org=huyen",
            )
            raise StoreUnavailable(message)
        bucket = self._bucket_of_2() or self._made_bucket()
        rules = bucket.get("retentionRules") or []
        kept = int(rules[0].get("everySeconds") or 0) if rules else 0
        if self._keep is not None and kept != self._keep:
            body = {"retentionRules": self._rules()}
            path = f"/api/v2/buckets/{bucket['id']}"
            change = _("write buckets")
            self._may(change, lambda: self._http.ask("PATCH", path, body=body))
        self._mapping(str(bucket["id"]))

    def _bucket_of_2(self) -> dict[str, Any] | None:
        query = {"org": self._org, "name": self._bucket}
        read = _("read buckets")
        try:
            reply = self._may(read, lambda: self._http.ask("GET", "/api/v2/buckets", query))
        except NotFound as error:
            if "organization" in str(error):
                raise self._no_organization() from None
            return None
        return next(iter(reply.json().get("buckets") or []), None)

    def _made_bucket(self) -> dict[str, Any]:
        read = _("read organizations")
        query = {"org": self._org}
        try:
            reply = self._may(read, lambda: self._http.ask("GET", "/api/v2/orgs", query))
        except NotFound:
            raise self._no_organization() from None
        organizations = reply.json().get("orgs") or []
        if not organizations:
            raise self._no_organization()
        body = {"orgID": organizations[0]["id"], "name": self._bucket}
        body["retentionRules"] = self._rules()
        create = _("write buckets")
        try:
            made = self._may(create, lambda: self._http.ask("POST", "/api/v2/buckets", body=body))
        except StoreRefused as error:  # it is there, but this token may not see it
            if "already exists" in str(error):
                raise self._missing(_("read buckets")) from None
            raise
        return dict(made.json())

    def _rules(self) -> list[dict[str, object]]:
        return [{"type": "expire", "everySeconds": self._keep}] if self._keep else []

    def _mapping(self, bucket: str) -> None:
        query = {"org": self._org, "db": self._bucket}
        read = _("read dbrps")
        reply = self._may(read, lambda: self._http.ask("GET", "/api/v2/dbrps", query))
        known = reply.json().get("content") or []
        if any(one.get("bucketID") == bucket and one.get("default") for one in known):
            return
        body = {
            "org": self._org,
            "bucketID": bucket,
            "database": self._bucket,
            "retention_policy": POLICY,
            "default": True,
        }
        create = _("write dbrps")
        self._may(create, lambda: self._http.ask("POST", "/api/v2/dbrps", body=body))

    # --- InfluxDB 3: the first write makes a database

    def _configured(self) -> None:
        statement = f"SHOW MEASUREMENTS ON {self._identifier()} LIMIT 1"
        reply = self._http.ask("POST", "/query", form=[("db", self._bucket), ("q", statement)])
        try:
            found(reply.body, self._http.name)
        except StoreUnavailable:
            body: dict[str, object] = {"db": self._bucket}
            if self._keep:
                body["retention_period"] = f"{self._keep}s"
            path, create = "/api/v3/configure/database", _("create databases (admin)")
            self._may(create, lambda: self._http.ask("POST", path, body=body))

    # --- errors

    def _may(self, permission: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Forbidden as error:
            raise self._missing(permission) from error

    def _missing(self, permission: str) -> Forbidden:
        words = {"store": self._http.name, "permission": permission}
        return Forbidden(_("{store}: the token lacks the permission: {permission}", **words))

    def _no_organization(self) -> StoreUnavailable:
        words = {"store": self._http.name, "org": self._org}
        return StoreUnavailable(_("{store}: no organization {org}, or not for this token", **words))
