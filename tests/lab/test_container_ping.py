"""How the container pings: no root, no capability, no new privileges, one kernel setting."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, ctypes, json, os, sys
from collectors import icmp
user = int(sys.argv[1])
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)  # every capability goes with root
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
async def ping():
    measured = await icmp.measure(icmp.Settings(address="127.0.0.1", count=2), 2.0)
    await icmp.close()
    return measured
measured = asyncio.run(ping())
caps = [line for line in open("/proc/self/status") if line.startswith(("CapEff", "CapPrm"))]
assert all(int(line.split()[1], 16) == 0 for line in caps), caps
print(json.dumps([icmp.mode().name, measured.verdict.value, sorted(measured.values)]))
"""

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="ip is not installed (iproute2)"),
]


def inside(user: str, setting: str) -> subprocess.CompletedProcess[str]:
    """Ping as a user in a network namespace with the setting, as a container would."""
    prepare = f'ip link set lo up && echo "{setting}" > /proc/sys/net/ipv4/ping_group_range'
    command = f'{prepare} && exec "$0" -c "$1" {user}'
    return subprocess.run(
        ["unshare", "--net", "sh", "-c", command, sys.executable, PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )


def test_the_container_pings_with_the_setting_of_the_compose_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    for name in ("ioc", "ioc-cluster"):
        service = compose["services"][name]
        user = service["user"].partition(":")[0]
        done = inside(user, service["sysctls"]["net.ipv4.ping_group_range"])
        assert done.returncode == 0, done.stderr
        mode, verdict, values = json.loads(done.stdout)
        assert mode == "dgram"
        assert verdict == "ok"
        assert {"rtt_ms", "loss_pct"} <= set(values)


def test_without_the_setting_it_could_not() -> None:
    done = inside("10001", "1 0")
    assert done.returncode == 0, done.stderr
    mode, verdict, _values = json.loads(done.stdout)
    assert mode == "ping3"
    assert verdict != "ok"
