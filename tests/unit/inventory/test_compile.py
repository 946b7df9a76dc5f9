"""What a valid inventory becomes: assets, checks with their defaults, parents, names."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from ioc.i18n import use_language
from ioc.inventory.topology import AssetType

HEAD = "area: {id: a, name: A}\n"
DISTRICT = dedent("""\
    area: {id: a, name: A}
    monitor: {site: huyen}
    sentinels:
      - {id: s1, address: 127.10.0.1}
      - {id: s2, name: Cổng, address: 127.10.0.2}
    sites:
      - id: huyen
        name: Huyện
        links:
          - {id: f, kind: leased, address: 127.0.0.1}
        devices:
          - {kind: router, address: 127.0.0.2}
          - {kind: computer, addresses: 127.0.0.10-11}
        services:
          - {id: web, name: Cổng huyện, address: 127.0.0.3}
      - id: xa
        name: Xã
        links:
          - {id: f, kind: fiber, address: 127.0.1.1}
          - {id: g, kind: 4g, address: 127.0.1.2}
          - {id: v, kind: satellite, role: primary, address: 127.0.1.3, parent: huyen.f}
        devices:
          - {kind: router, address: 127.0.1.4}
          - {kind: router, id: router-2, address: 127.0.1.5}
          - {kind: switch, address: 127.0.1.6, parent: router-2}
          - {kind: computer, addresses: 127.0.1.10-11, parent: switch}
          - {kind: computer, address: 127.0.1.20}
        services:
          - {id: web, name: Một cửa, address: 127.0.1.7}
      - id: ban
        name: Bản
        links: [{id: g, kind: 4g, role: primary, address: 127.0.2.1}]
        devices: [{kind: computer, address: 127.0.2.2}]
      - {id: dao, name: Đảo, devices: [{kind: router, address: 127.0.3.1}]}
    services:
      - {id: dvc, name: Cổng tỉnh, address: 127.1.0.1}
""")
PARENTS = {
    "s1": (),
    "s2": (),
    "huyen.f": ("huyen.router",),  # nothing lies between the monitor and its own site
    "huyen.router": (),
    "huyen.pc-10": (),
    "huyen.pc-11": (),
    "huyen.web": ("huyen.router",),
    "xa.f": ("s1", "s2"),
    "xa.g": ("s1", "s2"),
    "xa.v": ("huyen.f",),
    "xa.router": ("xa.f", "xa.g", "xa.v"),
    "xa.router-2": ("xa.f", "xa.g", "xa.v"),
    "xa.switch": ("xa.router-2",),
    "xa.pc-10": ("xa.switch",),
    "xa.pc-11": ("xa.switch",),
    "xa.pc-20": ("xa.router",),
    "xa.web": ("xa.router",),
    "ban.g": ("s1", "s2"),
    "ban.pc-2": ("ban.g",),  # no router
    "dao.router": ("s1", "s2"),  # no link
    "dvc": ("s1", "s2"),
}


def test_everything_is_reached_through_what_stands_before_it(loaded) -> None:
    assets = loaded(DISTRICT).topology.assets
    assert {name: asset.parents for name, asset in assets.items()} == PARENTS


def test_sites_know_their_parts_in_the_order_of_the_file(loaded) -> None:
    topology = loaded(DISTRICT).topology
    assert list(topology.sites) == ["huyen", "xa", "ban", "dao"]
    assert topology.sites["xa"].links == ("xa.f", "xa.g", "xa.v")
    assert topology.sites["huyen"].devices == ("huyen.router", "huyen.pc-10", "huyen.pc-11")
    assert topology.sites["huyen"].services == ("huyen.web",)
    assert topology.sentinels == ("s1", "s2")
    assert topology.monitor_site == "huyen"
    assert [a.id for a in topology.assets.values() if a.type is AssetType.SERVICE] == [
        "huyen.web", "xa.web", "dvc",
    ]  # fmt: skip


def test_4g_and_satellite_are_backup_unless_told_otherwise(loaded) -> None:
    assets = loaded(DISTRICT).topology.assets
    backup = {a.id: a.backup for a in assets.values() if a.type is AssetType.LINK}
    assert backup == {
        "huyen.f": False, "xa.f": False, "xa.g": True, "xa.v": False, "ban.g": False,
    }  # fmt: skip


def test_what_has_no_name_gets_one_in_the_language(write) -> None:
    from ioc.inventory.loader import load

    use_language("vi")
    path = write(DISTRICT)
    names = {asset.id: asset.name for asset in load(path).topology.assets.values()}
    assert names["xa.f"] == "Cáp quang"
    assert names["huyen.f"] == "Kênh thuê riêng"
    assert names["xa.router"] == "Bộ định tuyến"
    assert names["xa.pc-10"] == "Máy tính 10"
    assert names["xa.pc-20"] == "Máy tính 20"
    assert names["s1"] == "s1"
    assert names["s2"] == "Cổng"
    use_language("en")
    assert load(path).topology.assets["xa.f"].name == "Fiber"


TIMES = dedent("""\
    area: {id: a, name: A}
    sentinels: [{id: s, address: 127.10.0.1}]
    sites:
      - id: x
        name: X
        links: [{id: f, kind: fiber, address: 127.0.0.1}]
        devices:
          - {kind: router, address: 127.0.0.2}
          - {kind: switch, address: 127.0.0.3}
          - {kind: computer, address: 127.0.0.4}
          - {kind: server, address: 127.0.0.5}
    services:
      - id: web
        name: Web
        address: 127.0.0.6
        checks:
          - {kind: http, url: "http://127.0.0.6/"}
          - {kind: tls}
          - {kind: tcp, port: 80}
          - {kind: dns, address: 127.0.0.7, name: example.vn}
""")


def times(topology) -> dict[str, tuple[float, float]]:
    return {check.id: (check.interval, check.timeout) for check in topology.checks.values()}


def test_checks_have_sensible_times_when_nobody_says_any(loaded) -> None:
    assert times(loaded(TIMES).topology) == {
        "s.icmp": (60, 1),
        "x.f.icmp": (15, 1),
        "x.router.icmp": (15, 1),
        "x.switch.icmp": (15, 1),
        "x.pc-4.icmp": (60, 1),
        "x.server.icmp": (60, 1),
        "web.http": (60, 10),
        "web.tls": (21_600, 10),
        "web.tcp": (60, 3),
        "web.dns": (60, 3),
    }


def test_only_a_certificate_is_not_fatal(loaded) -> None:
    checks = loaded(TIMES).topology.checks.values()
    assert [check.id for check in checks if not check.fatal] == ["web.tls"]


def test_the_address_of_an_asset_is_that_of_its_checks_unless_they_have_one(loaded) -> None:
    checks = loaded(TIMES).topology.checks
    assert checks["web.tcp"].settings.address == "127.0.0.6"
    assert checks["web.tls"].settings.address == "127.0.0.6"
    assert checks["web.dns"].settings.address == "127.0.0.7"
    assert checks["x.pc-4.icmp"].settings.address == "127.0.0.4"


def test_defaults_of_a_kind_go_before_those_of_all_and_a_check_before_both(loaded) -> None:
    text = """\
        area: {id: a, name: A}
        calendars: {gio: {days: [mon], hours: ["07:30-11:30"]}}
        defaults:
          all: {interval: 30s, timeout: 2, retries: 1, thresholds: {rtt_ms: {above: 100}}}
          link: {interval: 10s, retries: 0, retry_delay: 0, thresholds: {loss_pct: {above: 5}}}
          computer: {calendar: gio, missing_after: 3}
        sites:
          - id: x
            name: X
            links:
              - {id: f, kind: fiber, address: 127.0.0.1}
              - id: g
                kind: 4g
                checks: [{kind: icmp, address: 127.0.0.2, interval: 2m, retries: 5,
                          thresholds: {loss_pct: {above: 20, below: 0}}}]
            devices:
              - {kind: computer, address: 127.0.0.3}
              - {kind: computer, address: 127.0.0.4, missing_after: 9}
        """
    topology = loaded(text).topology
    fiber, mobile, computer = (topology.checks[f"x.{i}.icmp"] for i in ("f", "g", "pc-3"))
    assert (fiber.interval, fiber.timeout, fiber.retries, fiber.retry_delay) == (10, 2, 0, 0)
    assert (mobile.interval, mobile.timeout, mobile.retries) == (120, 2, 5)
    assert (computer.interval, computer.retries, computer.retry_delay) == (30, 1, 1)
    limits = {(t.value, t.above, t.below) for t in mobile.thresholds}
    assert limits == {("rtt_ms", 100, None), ("loss_pct", 20, 0)}
    assert [topology.assets[f"x.pc-{n}"].missing_after for n in (3, 4)] == [3, 9]
    assert topology.assets["x.pc-3"].calendar == "gio"
    assert topology.assets["x.f"].calendar is None


def test_defaults_do_not_ask_for_a_certificate_every_minute(loaded) -> None:
    text = TIMES + "defaults: {all: {interval: 30s}}\n"
    assert loaded(text).topology.checks["web.tls"].interval == 21_600
    assert loaded(text).topology.checks["web.tcp"].interval == 30


def test_a_usual_timeout_gives_way_to_a_short_interval(loaded) -> None:
    text = HEAD + (
        'services: [{id: x, name: X, checks: [{kind: http, url: "http://127.0.0.1/", '
        "interval: 4s}]}]"
    )
    assert times(loaded(text).topology) == {"x.http": (4, 2)}


def test_two_checks_of_a_kind_are_told_apart_by_their_ids(loaded) -> None:
    text = HEAD + (
        "services: [{id: x, name: X, address: 127.0.0.1, checks: "
        "[{kind: tcp, port: 80}, {kind: tcp, id: imap, port: 993}]}]"
    )
    topology = loaded(text).topology
    assert topology.assets["x"].checks == ("x.tcp", "x.imap")
    assert topology.checks["x.imap"].settings.port == 993


def test_durations_hours_and_dates_are_understood(loaded) -> None:
    text = HEAD + (
        'calendars: {g: {days: [sun, mon], hours: ["13:30-17:00", "7:30–11:30"], '
        "closed: [2026-02-16], make_up: [2026-02-28], grace: 0m, holidays: VN}}\n"
        "services:\n"
        "  - {id: x, name: X, checks: [{kind: icmp, address: 127.0.0.1, interval: 1.5 h, "
        "timeout: 500, retry_delay: 2m}]}"
    )
    topology = loaded(text).topology
    rule, check = topology.calendars["g"], topology.checks["x.icmp"]
    assert (rule.days, rule.hours) == (frozenset({0, 6}), ((450, 690), (810, 1020)))
    assert (rule.closed, rule.make_up, rule.grace) == ({"2026-02-16"}, {"2026-02-28"}, 0)
    assert rule.holidays == "VN"
    assert (check.interval, check.timeout, check.retry_delay) == (5400, 500, 120)


def test_codes_and_ids_may_look_like_numbers(loaded) -> None:
    text = HEAD + (
        "sites: [{id: 5, name: X, code: 02020, lat: 22, lon: 105.5, devices: "
        "[{kind: server, id: 0123, address: 127.0.0.1}]}]"
    )
    topology = loaded(text).topology
    assert topology.sites["5"].code == "02020"
    assert topology.sites["5"].lat == 22.0
    assert list(topology.assets) == ["5.0123"]


def test_a_key_with_nothing_behind_it_was_not_given(loaded) -> None:
    text = "area:\n  id: a\n  name: A\n  timezone:\nmonitor:\nsites:\nroutes: ~\n"
    topology = loaded(text).topology
    assert topology.timezone.key == "Asia/Ho_Chi_Minh"
    assert topology.monitor_site is None


def test_a_name_typed_in_pieces_is_the_same_name(loaded) -> None:
    decomposed = "area: {id: a, name: Cho\u031b\u0323 D\u0323o\u0302\u0300n}"
    assert loaded(decomposed).topology.area_name == "Chợ Ḍồn"


def test_routes_are_kept_as_written(loaded) -> None:
    text = DISTRICT + (
        "routes:\n"
        "  - {channel: zalo, severities: [critical], sites: [xa], kinds: [fiber, computer],\n"
        '     hours: ["07:00-21:00"]}\n'
        "  - {channel: email}\n"
    )
    first, second = loaded(text).inventory.routes
    assert (first.channel, first.sites, first.hours) == ("zalo", ["xa"], [(420, 1260)])
    assert (second.sites, second.kinds, second.severities) == (None, None, None)


def test_what_a_valid_inventory_will_regret_is_a_warning(loaded) -> None:
    text = HEAD + (
        "sites:\n"
        "  - id: x\n"
        "    name: X\n"
        "    links:\n"
        "      - {id: f, kind: fiber, checks: [{kind: icmp, address: 127.0.0.1, interval: 5s}]}\n"
        "      - {id: g, kind: fiber, checks: [{kind: icmp, address: 127.0.0.2, interval: 5s}]}\n"
        "    devices: [{kind: computer, addresses: 127.0.0.10-20}]\n"
    )
    assert [str(warning) for warning in loaded(text).warnings] == [
        "inventory.yaml:1: no sentinels: when the monitor's own uplink fails, every site will "
        "look down",
        "inventory.yaml:6: sites[0].links[0].checks[0]: re-checking a failure may take 7 s, longer "
        "than the interval of 5 s; choose fewer retries, a shorter timeout or a longer interval",
        "inventory.yaml:8: sites[0].devices[0]: computers without a calendar count as down when "
        "they are off at night",
    ]
    assert loaded(TIMES.replace("{kind: computer", "{kind: other")).warnings == ()


def test_the_digest_tells_contents_apart(loaded) -> None:
    first, same, other = (loaded(HEAD + tail).topology for tail in ("", "", "# x\n"))
    assert first.digest == same.digest != other.digest
    assert len(first.digest) == 64


def test_a_province_of_sixteen_thousand_computers_is_a_few_lines(loaded) -> None:
    sites = [
        {"id": f"s{n}", "name": f"Xã {n}", "devices": [
            {"kind": "computer", "addresses": f"10.{n}.0.0-10.{n}.15.255"},
        ]}
        for n in range(4)
    ]  # fmt: skip
    topology = loaded(json.dumps({"area": {"id": "a", "name": "A"}, "sites": sites})).topology
    assert len(topology.assets) == len(topology.checks) == 4 * 4096
    assert topology.assets["s3.pc-15-255"].address == "10.3.15.255"


@pytest.mark.parametrize("key", ["interval", "calendar", "missing_after", "thresholds", "retries"])
def test_defaults_may_be_left_empty(key, loaded) -> None:
    assert loaded(HEAD + f"defaults: {{computer: {{{key}: }}, all: }}").topology.area_id == "a"
