"""One wrong inventory for every rule, with the exact words a user gets."""

from __future__ import annotations

import pytest

from ioc.i18n import use_language

HEAD = "area: {id: a, name: A}\n"  # every text below starts on line 2


def link(text: str) -> str:
    """A site whose only link, on line 4, has these keys beside its id and kind."""
    return f"sites:\n  - {{id: x, name: X, links: [\n    {{id: f, kind: fiber, {text}}}]}}\n"


def check(text: str) -> str:
    return f"services:\n  - {{id: x, name: X, checks: [\n    {{{text}}}]}}\n"


def calendar(text: str) -> str:
    return f"calendars:\n  office: {{{text}}}\n"


def devices(*lines: str) -> str:
    """A site with these devices, the first on line 4."""
    items = "".join(f"    - {line}\n" for line in lines)
    return f"sites:\n  - id: x\n    name: X\n    devices:\n{items}".replace("    - ", "      - ")


FIELDS = "sites[0].links[0]"
TARGET_KEYS = (
    "id, name, name_en, goal, tracked, comparator, due, counted, counted_en, per, basis, by, "
    "sources, measure, supporting, kinds, fresh, rule, rule_en, wall, retired"
)
RULES = {
    "system of computers": (
        "adequacy: {systems: [{name: Đ, until: 2027-01-01}]}",
        "2: adequacy.systems[0].name: needs letters a–z or digits, as computers report it",
    ),
    # --- kinds of values
    "text": ("monitor: {site: 5.5}", "2: monitor.site: must be text, not 5.5; put it in quotes"),
    "text, not true": (
        "services: [{id: x, name: true, address: 127.0.0.1}]",
        "2: services[0].name: must be text, not true; put it in quotes",
    ),
    "text, not a list": (
        "services: [{id: x, name: [a], address: 127.0.0.1}]",
        "2: services[0].name: must be text, not a list; put it in quotes",
    ),
    "empty text": (
        link('provider: " ", address: 127.0.0.1'),
        f"4: {FIELDS}.provider: must not be empty",
    ),
    "one line": (
        'services: [{id: x, name: "a\\nb", address: 127.0.0.1}]',
        "2: services[0].name: must be one line without control characters",
    ),
    "long text": (
        f"services: [{{id: x, name: {'x' * 201}, address: 127.0.0.1}}]",
        "2: services[0].name: is longer than 200 characters",
    ),
    "whole number": (
        "sites: [{id: x, name: X, staff: 1_8}]",
        "2: sites[0].staff: must be a whole number, not '1_8'",
    ),
    "whole number, not in quotes": (
        'sites: [{id: x, name: X, staff: "18"}]',
        "2: sites[0].staff: must be a whole number, not '18'",
    ),
    "whole number, no decimals": (
        "sites: [{id: x, name: X, staff: 18.5}]",
        "2: sites[0].staff: must be a whole number, not 18.5",
    ),
    "number": (
        "sites: [{id: x, name: X, lat: 22°}]",
        "2: sites[0].lat: must be a number, not '22°'",
    ),
    "not infinite": (
        "sites: [{id: x, name: X, lat: .inf}]",
        "2: sites[0].lat: must be a number, not '.inf'",
    ),
    "true or false": (
        check("kind: icmp, address: 127.0.0.1, fatal: off"),
        "4: services[0].checks[0].fatal: must be true or false, not 'off'",
    ),
    "list": (
        "sites: {id: x, name: X}",
        "2: sites: must be a list, each item after a hyphen, not a block of keys",
    ),
    "block": ("sites: [off]", "2: sites[0]: must be a block of keys, not 'off'"),
    "block, not nothing": ("sites:\n  -", "3: sites[0]: must be a block of keys, not nothing"),
    "one of": (
        link("role: main, address: 127.0.0.1"),
        f"4: {FIELDS}.role: must be one of 'primary', 'backup', not 'main'",
    ),
    "at least": (
        "sites: [{id: x, name: X, staff: -1}]",
        "2: sites[0].staff: must be at least 0, not -1",
    ),
    "at most": (
        "sites: [{id: x, name: X, lat: 105.6}]",
        "2: sites[0].lat: must be at most 90, not 105.6",
    ),
    "above": (
        check("kind: icmp, address: 127.0.0.1, timeout: 0"),
        "4: services[0].checks[0].timeout: must be above 0, not 0",
    ),
    "missing": ("services: [{id: x}]", "2: services[0].name: is missing; add it"),
    "missing at the top": ("area:", "1: area: is missing; add it"),
    # --- keys
    "unknown key": (
        link("adress: 127.0.0.1"),
        f"4: {FIELDS}.adress: unknown key; did you mean address?",
    ),
    "unknown key, similar to none": (
        "targets: [{id: mobile-4g, name: X, goal: 90, màu: đỏ}]",
        f"2: targets[0].màu: unknown key; the keys here are {TARGET_KEYS}",
    ),
    "a key of another place": (
        "targets: [{id: mobile-4g, name: X, goal: 90, staff: 5}]",
        f"2: targets[0].staff: unknown key; the keys here are {TARGET_KEYS}",
    ),
    "unknown key of a calendar": (
        calendar('days: [mon], hours: ["07:30-11:30"], holiday: VN'),
        "3: calendars.office.holiday: unknown key; did you mean holidays?",
    ),
    "unknown key of a check": (
        check("kind: icmp, address: 127.0.0.1, intervall: 5s"),
        "4: services[0].checks[0].intervall: unknown key; did you mean interval?",
    ),
    "unknown key of a collector": (
        check("kind: tcp, address: 127.0.0.1, prot: 80, port: 80"),
        "4: services[0].checks[0].prot: unknown key; did you mean port?",
    ),
    # --- secrets
    "a secret": (
        "routes:\n  - {channel: zalo, access_token: abc}",
        "3: routes[0].access_token: a secret does not belong in the inventory; "
        "put it in the environment or in .env",
    ),
    "an SNMP community": (
        link("address: 127.0.0.1, community: public"),
        f"4: {FIELDS}.community: a secret does not belong in the inventory; "
        "put it in the environment or in .env",
    ),
    "a password in a web address": (
        check('kind: http, url: "http://admin:admin@127.0.0.1/"'),
        "4: services[0].checks[0].url: a secret does not belong in the inventory; "
        "put it in the environment or in .env",
    ),
    "a token in a web address": (
        check('kind: http, url: "http://127.0.0.1/?token=abc"'),
        "4: services[0].checks[0].url: a secret does not belong in the inventory; "
        "put it in the environment or in .env",
    ),
    "a password in a comment": (
        "# http://admin:admin@127.0.0.1/",
        "2: a secret does not belong in the inventory; put it in the environment or in .env",
    ),
    "a channel is a name": (
        "routes:\n  - {channel: 'https://hooks.example/x'}",
        "3: routes[0].channel: not an id; use small letters a-z, digits and hyphens, "
        "for example yen-thinh",
    ),
    # --- our kinds of values
    "id": (
        "sites: [{id: Yên Thịnh, name: X}]",
        "2: sites[0].id: not an id; use small letters a-z, digits and hyphens, "
        "for example yen-thinh",
    ),
    "duration": (
        check("kind: icmp, address: 127.0.0.1, interval: 15 giây"),
        "4: services[0].checks[0].interval: not a duration; write for example 15s, 2m, 1h or "
        "a number of seconds",
    ),
    "duration, sexagesimal": (
        check("kind: icmp, address: 127.0.0.1, interval: 10:20:30"),
        "4: services[0].checks[0].interval: not a duration; write for example 15s, 2m, 1h or "
        "a number of seconds",
    ),
    "interval": (
        check("kind: icmp, address: 127.0.0.1, interval: 0.5s"),
        "4: services[0].checks[0].interval: must be at least 1, not '0.5s'",
    ),
    "interval in defaults": (
        "defaults: {all: {interval: 0}}",
        "2: defaults.all.interval: must be at least 1, not 0",
    ),
    "hours": (
        calendar("days: [mon], hours: [8h-11h]"),
        '3: calendars.office.hours[0]: not hours; write for example "07:30-11:30", in quotes',
    ),
    "hours that do not exist": (
        calendar('days: [mon], hours: ["07:30-25:00"]'),
        '3: calendars.office.hours[0]: no such hours; write for example "07:30-11:30"',
    ),
    "no hours": (
        calendar("days: [mon], hours: []"),
        "3: calendars.office.hours: must have at least 1 items",
    ),
    "hours that overlap": (
        calendar('days: [mon], hours: ["07:30-11:30", "11:00-13:00"]'),
        "3: calendars.office: hours overlap; give each stretch once",
    ),
    "hours that overlap over midnight": (
        calendar('days: [mon], hours: ["22:00-06:00", "05:00-07:00"]'),
        "3: calendars.office: hours overlap; give each stretch once",
    ),
    "weekday": (
        calendar('days: [thứ hai], hours: ["07:30-11:30"]'),
        "3: calendars.office.days[0]: must be one of 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', "
        "'sun', not 'thứ hai'",
    ),
    "date": (
        calendar('days: [mon], hours: ["07:30-11:30"], closed: [30/04/2026]'),
        "3: calendars.office.closed[0]: not a date; write year-month-day, for example 2026-02-17",
    ),
    "date that does not exist": (
        calendar('days: [mon], hours: ["07:30-11:30"], make_up: [2026-02-30]'),
        "3: calendars.office.make_up[0]: not a date; write year-month-day, for example 2026-02-17",
    ),
    "closed and worked": (
        calendar(
            'days: [mon], hours: ["07:30-11:30"], closed: [2026-05-04], make_up: [2026-05-04]'
        ),
        "3: calendars.office: 2026-05-04 is in both closed and make_up",
    ),
    "country": (
        calendar('days: [mon], hours: ["07:30-11:30"], holidays: VNM1'),
        "3: calendars.office.holidays: no such country; write for example VN",
    ),
    "time zone": (
        "monitor: {site: x}\nsites: [{id: x, name: X}]",
        None,
    ),
    # --- addresses
    "address": (
        link("address: 127.0.0.300"),
        f"4: {FIELDS}.address: '127.0.0.300' is not an IP address; "
        "write for example 10.20.6.10 or 10.20.6.10-30",
    ),
    "address with leading zeros": (
        link("address: 127.0.0.010"),
        f"4: {FIELDS}.address: '127.0.0.010' is not an IP address; "
        "write for example 10.20.6.10 or 10.20.6.10-30",
    ),
    "address that YAML reads as a number": (
        link("address: 10.20"),
        f"4: {FIELDS}.address: not an IP address; write for example 10.20.6.1",
    ),
    "name for an address": (
        link("address: router.example.vn"),
        f"4: {FIELDS}.address: not an IP address; a name goes into a check: "
        "checks: [{kind: icmp, address: router.example.vn}]",
    ),
    "range for an address": (
        link("address: 127.0.0.1-5"),
        f"4: {FIELDS}.address: one address is wanted here; use `addresses` for a range",
    ),
    "zone in an address": (
        link("address: fe80::1%eth0"),
        f"4: {FIELDS}.address: an address without a zone (%…) is wanted here",
    ),
    "broadcast address": (
        link("address: 255.255.255.255"),
        f"4: {FIELDS}.address: must be the address of one host; replies to this one come from "
        "others",
    ),
    "range backwards": (
        devices("{kind: computer, addresses: 127.0.0.30-10}"),
        "6: sites[0].devices[0].addresses: the end 127.0.0.10 is before the start 127.0.0.30",
    ),
    "range too long": (
        devices("{kind: computer, addresses: 127.0.0.0-127.255.0.0}"),
        "6: sites[0].devices[0].addresses: 16711681 addresses; at most 4096 in one range",
    ),
    "range of two kinds": (
        devices("{kind: computer, addresses: '127.0.0.1-::1'}"),
        "6: sites[0].devices[0].addresses: both ends of a range must be of one kind (IPv4 or IPv6)",
    ),
    "range that YAML reads as a number": (
        devices("{kind: computer, addresses: 5}"),
        "6: sites[0].devices[0].addresses: not a range; write for example 10.20.6.10-30",
    ),
    "address and addresses": (
        devices("{kind: computer, address: 127.0.0.1, addresses: 127.0.0.2-3}"),
        "6: sites[0].devices[0].addresses: write `address` or `addresses`, not both",
    ),
    "nothing to measure": (
        devices("{kind: router}"),
        "6: sites[0].devices[0]: needs an `address`, or `checks` that say how to measure it",
    ),
    "overlapping ranges": (
        devices(
            "{kind: computer, addresses: 127.0.0.10-30}",
            "{kind: server, addresses: 127.0.0.30-40}",
        ),
        "7: sites[0].devices[1].addresses: 127.0.0.30 is measured already: inventory.yaml:6; "
        "each address belongs to one asset",
    ),
    "one address twice": (
        devices("{kind: router, address: '::1'}", "{kind: server, address: '0:0::1'}"),
        "7: sites[0].devices[1].address: ::1 is measured already: inventory.yaml:6; "
        "each address belongs to one asset",
    ),
    # --- ids
    "site twice": (
        "sites:\n  - {id: x, name: X}\n  - {id: x, name: Y}",
        "4: sites[1].id: x exists already: inventory.yaml:3; give this one another id",
    ),
    "device twice": (
        devices("{kind: router, address: 127.0.0.1}", "{kind: router, address: 127.0.0.2}"),
        "7: sites[0].devices[1].id: x.router exists already: inventory.yaml:6; "
        "give this one another id",
    ),
    "service and sentinel of one id": (
        "sentinels: [{id: x, address: 127.0.0.1}]\n"
        "services: [{id: x, name: X, address: 127.0.0.2}]",
        "3: services[0].id: x exists already: inventory.yaml:2; give this one another id",
    ),
    "target twice": (
        "targets:\n  - {id: mobile-4g, name: X, goal: 90}\n  - {id: mobile-4g, name: Y, goal: 100}",
        "4: targets[1].id: mobile-4g exists already: inventory.yaml:3; remove one of them",
    ),
    "target of one's own without a name": (
        "targets: [{id: cay-xanh, goal: 90}]",
        "2: targets[0].id: not in the catalogue; a target of your own needs a name and a goal",
    ),
    "target of one's own without a goal": (
        "targets: [{id: cay-xanh, name: Cây xanh}]",
        "2: targets[0]: write a goal in percent, or tracked: true",
    ),
    "measure that does not exist": (
        "targets: [{id: cay-xanh, name: Cây xanh, goal: 90, measure: trees}]",
        "2: targets[0].measure: must be one of 'fiber', 'mobile-4g', 'networked-computers', "
        "'adequate-computers', 'services', 'portal', 'software', 'mobile', not 'trees'",
    ),
    "unit that ends before it begins": (
        "units: [{id: u, name: U, valid_from: 2025-07-01, valid_until: 2025-06-30}]",
        "2: units[0].valid_until: is before valid_from",
    ),
    "merger without a day": (
        "units: [{id: u, name: U}, {id: v, name: V, into: u}]",
        "2: units[1].into: needs valid_until: the last day before the merger",
    ),
    "merger into nothing": (
        "units: [{id: u, name: U, valid_until: 2025-06-30, into: w}]",
        "2: units[0].into: w does not exist",
    ),
    "check twice": (
        check("kind: tcp, address: 127.0.0.1, port: 1}, {kind: tcp, address: 127.0.0.1, port: 2"),
        "4: services[0].checks[1]: a second check of this id; give it an `id` of its own",
    ),
    # --- references
    "monitor": (
        "monitor: {site: yen-thin}\nsites: [{id: yen-thinh, name: X}]",
        "2: monitor.site: yen-thin does not exist; did you mean yen-thinh?",
    ),
    "parent": (
        link("address: 127.0.0.1, parent: zz"),
        f"4: {FIELDS}.parent: zz does not exist",
    ),
    "parent, nearly": (
        devices(
            "{kind: router, address: 127.0.0.1}", "{kind: ups, address: 127.0.0.2, parent: routr}"
        ),
        "7: sites[0].devices[1].parent: routr does not exist; did you mean router?",
    ),
    "parents in a circle": (
        devices(
            "{kind: router, address: 127.0.0.1, parent: switch}",
            "{kind: switch, address: 127.0.0.2}",
        ),
        "6: sites[0].devices[0].parent: parents in a circle: x.router → x.switch → x.router",
    ),
    "its own parent": (
        devices("{kind: router, address: 127.0.0.1, parent: router}"),
        "6: sites[0].devices[0].parent: parents in a circle: x.router → x.router",
    ),
    "calendar": (
        calendar('days: [mon], hours: ["07:30-11:30"]')
        + "defaults: {computer: {calendar: offise}}",
        "4: defaults.computer.calendar: offise does not exist; did you mean office?",
    ),
    "calendar of a service": (
        "services: [{id: x, name: X, address: 127.0.0.1, calendar: office}]",
        "2: services[0].calendar: office does not exist",
    ),
    "site of a route": (
        "routes: [{channel: zalo, sites: [x]}]",
        "2: routes[0].sites[0]: x does not exist",
    ),
    "kind of a route": (
        "routes: [{channel: zalo, kinds: [fibre]}]",
        "2: routes[0].kinds[0]: fibre does not exist; did you mean fiber?",
    ),
    "kind of defaults": (
        "defaults: {laptop: {retries: 2}}",
        "2: defaults.laptop: no such kind; write one of all, link, service, sentinel, computer, "
        "router, switch, server, modem, ups, other",
    ),
    # --- checks
    "kind of check": (
        check("kind: ping"),
        "4: services[0].checks[0].kind: no such kind of check; write dns, http, icmp, tcp, tls",
    ),
    "kind of check, nearly": (
        check("kind: https"),
        "4: services[0].checks[0].kind: no such kind of check; write http",
    ),
    "no kind of check": (check("port: 80"), "4: services[0].checks[0].kind: is missing; add it"),
    "no checks": (
        "services: [{id: x, name: X, checks: []}]",
        "2: services[0].checks: an empty list measures nothing; remove it or write a check",
    ),
    "setting missing": (
        check("kind: tcp, address: 127.0.0.1"),
        "4: services[0].checks[0].port: is missing; add it",
    ),
    "setting wrong": (
        check('kind: http, url: "ftp://127.0.0.1/"'),
        "4: services[0].checks[0].url: must be a web address that starts with http:// or https://",
    ),
    "timeout": (
        check("kind: icmp, address: 127.0.0.1, interval: 5s, timeout: 5s"),
        "4: services[0].checks[0].timeout: the timeout (5 s) must be below the interval (5 s)",
    ),
    "timeout above the usual interval": (
        link("checks: [{kind: icmp, address: 127.0.0.1, timeout: 20s}]"),
        f"4: {FIELDS}.checks[0].timeout: the timeout (20 s) must be below the interval (15 s)",
    ),
    "timeout in defaults": (
        "defaults: {link: {interval: 5s, timeout: 1m}}",
        "2: defaults.link.timeout: the timeout (60 s) must be below the interval (5 s)",
    ),
}
del RULES["time zone"], RULES["missing at the top"]  # not below HEAD: tested on their own


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_broken_is_the_one_mistake(rule, mistakes) -> None:
    text, expected = RULES[rule]
    assert mistakes(HEAD + text + "\n") == [f"inventory.yaml:{expected}"]


def test_the_area_is_required_and_has_a_time_zone(mistakes) -> None:
    assert mistakes("area:\n") == ["inventory.yaml:1: area: is missing; add it"]
    assert mistakes("sites: []\n") == ["inventory.yaml:1: area: is missing; add it"]
    assert mistakes("area: {id: a, name: A, timezone: Hanoi}") == [
        "inventory.yaml:1: area.timezone: not a time zone; write for example Asia/Ho_Chi_Minh"
    ]
    assert mistakes("area: {id: a, name: A, timezone: ../../etc/passwd}") == [
        "inventory.yaml:1: area.timezone: not a time zone; write for example Asia/Ho_Chi_Minh"
    ]


MANY = """\
    area: {id: a, name: A, timzone: UTC}
    monitor: {site: hyen}
    calendars:
      office: {days: [mon], hours: [8h]}
    defaults:
      computer: {calendar: office}
    sites:
      - id: huyen
        name: 2025
        staff: "25"
      - id: yen-thinh
        name: Xã Yên Thịnh
        links:
          - {id: f, kind: fibre, address: 127.0.0.1}
          - {id: g, kind: 4g, address: 127.0.0.300, parent: h}
          - {id: h, kind: 4g, address: 127.0.0.3, parent: nowhere}
          - {id: i, kind: 4g, address: 127.0.0.3}
        devices:
          - {kind: computer, addresses: 127.0.0.10-20, calendar: offce}
          - {kind: switch, address: 127.0.0.15, adress: x}
      - id: yen-thinh
        name: Yên Thịnh
    """


def test_every_mistake_is_told_at_once_and_none_that_only_follows(mistakes) -> None:
    assert mistakes(MANY) == [
        "inventory.yaml:1: area.timzone: unknown key; did you mean timezone?",
        "inventory.yaml:2: monitor.site: hyen does not exist",
        'inventory.yaml:4: calendars.office.hours[0]: not hours; write for example "07:30-11:30", '
        "in quotes",
        "inventory.yaml:9: sites[0].name: must be text, not 2025; put it in quotes",
        "inventory.yaml:10: sites[0].staff: must be a whole number, not '25'",
        "inventory.yaml:14: sites[1].links[0].kind: must be one of 'fiber', '4g', 'leased', "
        "'satellite', not 'fibre'",
        "inventory.yaml:15: sites[1].links[1].address: '127.0.0.300' is not an IP address; "
        "write for example 10.20.6.10 or 10.20.6.10-30",
        "inventory.yaml:16: sites[1].links[2].parent: nowhere does not exist",
        "inventory.yaml:17: sites[1].links[3].address: 127.0.0.3 is measured already: "
        "inventory.yaml:16; each address belongs to one asset",
        "inventory.yaml:19: sites[1].devices[0].calendar: offce does not exist",
        "inventory.yaml:20: sites[1].devices[1].address: 127.0.0.15 is measured already: "
        "inventory.yaml:19; each address belongs to one asset",
        "inventory.yaml:20: sites[1].devices[1].adress: unknown key; did you mean address?",
        "inventory.yaml:21: sites[2].id: yen-thinh exists already: inventory.yaml:11; "
        "give this one another id",
    ]


def test_each_circle_of_parents_is_told_once(mistakes) -> None:
    found = mistakes(
        HEAD
        + devices(
            "{kind: router, address: 127.0.0.1, parent: switch}",
            "{kind: switch, address: 127.0.0.2, parent: router}",
            "{kind: modem, address: 127.0.0.3, parent: ups}",
            "{kind: ups, address: 127.0.0.4, parent: modem}",
        )
    )
    assert [line.partition(":")[2].partition(" parents")[0] for line in found] == [
        "6: sites[0].devices[0].parent:",
        "8: sites[0].devices[2].parent:",
    ]


def test_mistakes_are_in_vietnamese_unless_told_otherwise(mistakes) -> None:
    use_language("vi")
    assert mistakes(HEAD + link("adress: 127.0.0.1")) == [
        "inventory.yaml:4: sites[0].links[0].adress: không có mục này; có phải ý bạn là address?"
    ]
