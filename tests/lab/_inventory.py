"""The inventory of a lab district, as a user would write it, with short intervals."""

from __future__ import annotations

from tests.lab._district import (
    FIRST_COMPUTER,
    PORTAL,
    PORTAL_ADDRESS,
    PORTAL_PAGE,
    PROXY_PORT,
    SENTINEL,
    SENTINEL_ADDRESS,
    Commune,
    District,
)

INTERVAL = 2  # seconds; the re-checks of a failure, 0.2 s apart, end inside it
TIMEOUT = 0.4
RETRY_DELAY = 0.2

# At 30 % loss, 20 packets all arrive once in 1,250 polls, and 3 packets all get lost four times in
# a row (a check with its re-checks) once in 2 million.
PLAIN = "{kind: icmp}"
SLOW = "{kind: icmp, interval: 60s}"
LINK_CHECK = "{kind: icmp, count: 20, interval_ms: 10, thresholds: {loss_pct: {above: 2}}}"
DEVICE_CHECK = "{kind: icmp, count: 3, interval_ms: 10}"

DEFAULTS = f"""\
defaults:
  all: {{interval: {INTERVAL}s, timeout: {TIMEOUT}s, retry_delay: {RETRY_DELAY}s}}
"""
HEAD = f"""\
area: {{id: lab, name: Huyện thử nghiệm}}
sentinels:
  - {{id: {SENTINEL}, address: {SENTINEL_ADDRESS}}}
{DEFAULTS}targets:
  - {{id: fiber-communes, name: Xã có cáp quang, goal: 100}}
services:
  - id: {PORTAL}
    name: Cổng dịch vụ công
    kind: portal
    checks: [{{kind: http, url: "http://{PORTAL_ADDRESS}/", body: {PORTAL_PAGE}}}]
{{more}}sites:
"""

COMMUNE = """\
  - id: {id}
    name: Xã {number}
    links:
      - {{id: fiber, kind: fiber, address: {fiber}, checks: [{link_check}]}}
      - {{id: 4g, kind: 4g, address: {mobile}, checks: [{link_check}]}}
    devices:
      - {{id: router, kind: router, address: {router}, checks: [{device_check}]}}
      - {{kind: computer, addresses: {computers}, checks: [{device_check}]}}
"""


# Quick incidents: what takes minutes in a district takes seconds here.
ALERTS = """\
alerts: {quiet: 3s, patience: 4s, flapping: 6, flapping_window: 120s, flapping_quiet: 12s}
routes:
  - {channel: duty}
  - {channel: chief, severities: [critical], after: 20s}
"""
VIEW = """\
    services:
      - id: portal
        name: Cổng dịch vụ công
        kind: portal
        checks: [{{kind: http, url: "http://{router}:{port}/", body: {page}}}]
"""


def inventory(
    district: District,
    *,
    lossy: bool = False,
    more: str = "",
    views: bool = False,
    quick: bool = True,
    slow: str = "",
) -> str:
    """YAML text; ids as in the district. lossy: checks that tell loss from silence. more: further
    parts of the file. views: the portal is also asked from the communes with a proxy. quick: short
    intervals instead of the usual ones. slow: a commune whose links are asked much later than what
    lies behind them."""
    head = HEAD if quick else HEAD.replace(DEFAULTS, "")
    sites = [
        _commune(c, lossy, SLOW if c.id == slow else None)
        + (_view(c) if views and c.id in district.proxies else "")
        for c in district.communes.values()
    ]
    return head.replace("{more}", more) + "".join(sites)


def _view(commune: Commune) -> str:
    return VIEW.format(router=commune.router, port=PROXY_PORT, page=PORTAL_PAGE)


def _commune(commune: Commune, lossy: bool, link_check: str | None = None) -> str:
    last = FIRST_COMPUTER + commune.computers - 1
    return COMMUNE.format(
        id=commune.id,
        number=commune.number,
        fiber=commune.fiber,
        mobile=commune.mobile,
        router=commune.router,
        link_check=link_check or (LINK_CHECK if lossy else PLAIN),
        device_check=DEVICE_CHECK if lossy else PLAIN,
        computers=f"10.64.{commune.number}.{FIRST_COMPUTER}-{last}",
    )
