"""Bad lines: loss and delay at one end of a cable.

Loss is drawn by a four-instruction classic BPF filter where the packets arrive (cls_bpf, a random
number per packet): a qdisc on the sending side would tell the sender of each loss. Delay needs
netem, a module that small kernels leave out; without it the line is only lossy.
"""

from __future__ import annotations

import contextlib
from functools import cache

from tests.lab._namespaces import LabError, Namespaces

RANDOM = 0xFFFFF000 + 56  # linux/filter.h: SKF_AD_OFF + SKF_AD_RANDOM
LOAD, JUMP_GE, RETURN = 0x20, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JGE|K, BPF_RET|K
PASS, SHOT = 0, 2  # linux/pkt_cls.h: TC_ACT_OK, TC_ACT_SHOT


@cache
def has_netem() -> bool:
    """Whether this kernel can delay packets; asked on a throw-away namespace."""
    with Namespaces() as spaces:
        spaces.add("probe")
        try:
            spaces.tc("probe", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
        except LabError:
            return False
        return True


def lose(spaces: Namespaces, name: str, device: str, fraction: float) -> None:
    """Lose a fraction (0..1) of the IPv4 packets that arrive on a device; 0 takes it away."""
    with contextlib.suppress(LabError):  # nothing to take away
        spaces.tc(name, "qdisc", "del", "dev", device, "clsact")
    if fraction > 0:
        on = ("dev", device)
        spaces.tc(name, "qdisc", "add", *on, "clsact")
        match = ("ingress", "protocol", "ip", "prio", "1", "bpf", "da", "bytecode")
        spaces.tc(name, "filter", "add", *on, *match, _lossy(fraction))


def delay(spaces: Namespaces, name: str, device: str, milliseconds: float) -> bool:
    """Delay what leaves a device. False when this kernel has no netem, nothing is done then."""
    if not has_netem():
        return False
    words = ("root", "netem", "delay", f"{milliseconds}ms")
    spaces.tc(name, "qdisc", "replace", "dev", device, *words)
    return True


def _lossy(fraction: float) -> str:
    """`tc` bytecode of: random number below the limit? drop : pass."""
    limit = min(int(fraction * 2**32), 2**32 - 1)
    program = [(LOAD, 0, 0, RANDOM), (JUMP_GE, 0, 1, limit), (RETURN, 0, 0, PASS)]
    program.append((RETURN, 0, 0, SHOT))
    return ",".join([str(len(program)), *(" ".join(map(str, step)) for step in program)])
