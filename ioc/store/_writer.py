"""Lines of line protocol to `/api/v2/write`, through influxdb-client, one request at a time.

Its batching keeps points in memory and drops them when the server stays away; ours wait in an
outbox on disk, so each call writes at once and says how it went. Its `WriteApi` does not tell the
status, and a page of a hotspot or a wrong port answers 200 to anything: so its service is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.service.write_service import WriteService

from ioc.store._address import Address
from ioc.store._http import CONNECT, strange, translated
from ioc.store._lines import encode
from ioc.store.base import Point

BATCH = 5_000  # lines at once when points are written directly
NO_CONTENT = 204


class LineWriter:
    """name: in messages. base: address under which `/api/v2/write` is. bucket, org: see InfluxDB.

    headers: of every request; they hold the secret.
    """

    def __init__(
        self,
        name: str,
        base: str,
        address: Address,
        headers: Mapping[str, str],
        *,
        bucket: str = "",
        org: str = "",
    ) -> None:
        self._name, self._bucket, self._org = name, bucket, org
        self._client = InfluxDBClient(
            base,
            "",  # the headers have it
            timeout=(CONNECT * 1000, address.timeout * 1000),
            enable_gzip=address.options.get("gzip") == "1",
            ssl_ca_cert=address.options.get("ca"),
            connection_pool_maxsize=4,
        )
        self._client.api_client.default_headers.update(headers)
        self._service = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]

    def send(self, lines: bytes) -> None:
        """Raises StoreError; see ioc.store.base.Remote."""
        with translated(self._name):
            _none, status, _headers = self._service.post_write_with_http_info(  # type: ignore[no-untyped-call]
                self._org,
                self._bucket,
                lines,
                precision="ms",
                content_type="text/plain; charset=utf-8",
            )
        if status != NO_CONTENT:
            raise strange(self._name, status)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]


def batches(points: Sequence[Point]) -> list[bytes]:
    """Points as lines to be sent. Raises ValueError before anything is."""
    lines = encode(points)
    return [
        "\n".join(lines[first : first + BATCH]).encode() for first in range(0, len(lines), BATCH)
    ]
