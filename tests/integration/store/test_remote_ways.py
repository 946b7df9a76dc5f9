"""The ways to a server: compressed, and encrypted with a certificate that is checked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ioc.i18n import use_language
from ioc.store import open_store
from ioc.store.base import Point, SeriesQuery, Store, StoreUnavailable
from tests.integration.store._servers import Influx, Nginx, Victoria, running

T0 = 1_770_000_000_000
POINTS = [Point("check", (("site", "Xã Yên Thịnh"),), {"up": 1.0}, T0 + i) for i in range(12_000)]
THROUGH = "location / { proxy_pass http://127.0.0.1:BEHIND; }"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("vi")


@pytest.fixture(params=["victoriametrics", "influxdb"])
def way(
    request: pytest.FixtureRequest, victoria: Victoria, influx: Influx
) -> Iterator[tuple[str, int, str]]:
    """Scheme, port and name of an empty store."""
    name = uuid.uuid4().hex
    if request.param == "victoriametrics":
        victoria.wipe()
        yield request.param, victoria.port, ""
        return
    yield request.param, influx.front.port, name
    influx.drop(name)


def keeps_all(store: Store, victoria: Victoria) -> None:
    store.write(POINTS)
    victoria.flush()
    [series] = store.read(SeriesQuery("check", "up", T0, T0 + 100_000))
    assert list(series.times) == [p.time for p in POINTS]
    assert store.health().ok
    store.close()


def test_lines_may_be_compressed(way: tuple[str, int, str], victoria: Victoria) -> None:
    scheme, port, name = way
    keeps_all(open_store(f"{scheme}://127.0.0.1:{port}/{name}?gzip=1"), victoria)


def test_nothing_at_all_is_sent_as_nothing(way: tuple[str, int, str]) -> None:
    scheme, port, name = way
    store = open_store(f"{scheme}://127.0.0.1:{port}/{name}")
    store.send(b"")  # type: ignore[attr-defined]
    store.write([Point("check", (), {}, T0)])
    assert store.read(SeriesQuery("check", "up", T0, T0 + 1)) == []
    store.close()


def test_a_certificate_is_checked(
    way: tuple[str, int, str], victoria: Victoria, tmp_path: Path
) -> None:
    scheme, port, name = way
    ours, other = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ours.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    ours.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server")
    front = Nginx(tmp_path / "front", THROUGH.replace("BEHIND", str(port)), tmp_path / "server")
    with running(front):
        url = f"{scheme}://127.0.0.1:{front.tls_port}/{name}?tls=1"
        keeps_all(open_store(f"{url}&ca={tmp_path}/ours.pem"), victoria)
        for refused in (f"{url}&ca={tmp_path}/other.pem", url):
            store = open_store(refused)
            with pytest.raises(StoreUnavailable, match="certificate verify failed"):
                store.write(POINTS[:1])
            with pytest.raises(StoreUnavailable, match="certificate verify failed"):
                store.read(SeriesQuery("check", "up", T0, T0 + 1))
            store.close()
