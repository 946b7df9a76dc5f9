"""ICMP packets, sequence numbers and round-trip times: whatever arrives, nothing is misread."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors._icmp_channel import Instruction, filter_program
from collectors._icmp_echo import Echo
from collectors._icmp_packet import (
    HEADER,
    MARKS,
    MIN_SIZE,
    Complaint,
    Stamp,
    checksum,
    complaint,
    header_length,
)
from collectors._icmp_row import NAME
from collectors._icmp_sequence import SPACE, Sequences
from collectors._icmp_time import NOISE, SHORTEST, STEP, ClockBridge
from collectors._icmp_writer import MAX_SIZE, Writer

V4, V6 = socket.AF_INET, socket.AF_INET6
words = st.integers(0, 0xFFFF)
stamps = st.builds(Stamp, st.sampled_from([V4, V6]), words, st.binary(min_size=8, max_size=8))


def words_sum(data: bytes) -> int:
    """RFC 1071 as it is written: add 16-bit words, carry around, complement."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(stamp: Stamp, number: int, generation: int, size: int) -> bytes:
    """What the writer puts into its slot."""
    with socket.socket() as unused:
        writer = Writer(unused, stamp)
    host = bytes(4 if stamp.family == V4 else 20)
    writer.write([Echo((), host, 0, size, lambda _: None)], number, generation)
    return bytes(writer._row.space)[NAME : NAME + HEADER + size]


def ipv4(inner: bytes, source: str = "10.0.0.1", to: str = "10.0.0.2", options: int = 0) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45 + options, 0, 20 + len(inner), 0, 0, 64, 1, 0)
    return head + socket.inet_aton(source) + socket.inet_aton(to) + bytes(4 * options) + inner


def ipv6(inner: bytes, source: str = "fd00::1", to: str = "fd00::2") -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(inner), 58, 64)
    return head + socket.inet_pton(V6, source) + socket.inet_pton(V6, to) + inner


def as_reply(request: bytes, family: int) -> bytes:
    return bytes([0 if family == V4 else 129]) + request[1:]


# --- checksum and requests


@given(st.binary(max_size=200))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    assert checksum(data) == words_sum(data)


@given(stamps, words, words, st.integers(MIN_SIZE, MAX_SIZE))
def test_every_request_has_the_right_checksum_and_size(
    stamp: Stamp, sequence: int, generation: int, size: int
) -> None:
    packet = request(stamp, sequence, generation, size)
    assert len(packet) == HEADER + size
    assert words_sum(packet) == 0  # a packet with a right checksum sums up to it


@given(stamps, words, words, st.integers(MIN_SIZE, 200))
def test_the_reply_to_a_request_shows_its_marks(
    stamp: Stamp, sequence: int, generation: int, size: int
) -> None:
    asked = request(stamp, sequence, generation, size)
    for packet, ours in ((as_reply(asked, stamp.family), True), (asked, False)):
        kind, ident, number, cookie, _, found = struct.unpack_from("=" + MARKS, packet)
        assert ((kind, ident, cookie) == stamp.reply) == ours
        assert (number, found) == (sequence, generation)


# --- error messages


@given(stamps, st.binary(max_size=120), st.integers(0, 60))
def test_complaints_in_arbitrary_bytes_never_raise(stamp: Stamp, data: bytes, start: int) -> None:
    assert complaint(stamp, data, start) is None


@given(stamps, st.sampled_from([1, 2, 3, 11]), st.binary(min_size=7, max_size=120))
def test_foreign_quotes_never_raise(stamp: Stamp, kind: int, rest: bytes) -> None:
    for inner in (rest, ipv4(rest), ipv6(rest)):
        assert complaint(stamp, bytes([kind]) + rest[:7] + inner, 0) is None


@pytest.mark.parametrize("quoted", [8, 12, 64])
@pytest.mark.parametrize("options", [0, 3])
def test_an_error_that_quotes_our_request_is_recognised(quoted: int, options: int) -> None:
    stamp = Stamp(V4, 7, b"12345678")
    inner = ipv4(request(stamp, 513, 2, 56)[:quoted], options=options)
    message = bytes([3, 1]) + bytes(6) + inner
    assert complaint(stamp, ipv4(message), 20) == Complaint(3, 1, 513, "10.0.0.1", "10.0.0.2")


def test_an_icmpv6_error_that_quotes_our_request_is_recognised() -> None:
    stamp = Stamp(V6, 7, b"12345678")
    message = bytes([1, 3]) + bytes(6) + ipv6(request(stamp, 513, 2, 56))
    assert complaint(stamp, message, 0) == Complaint(1, 3, 513, "fd00::1", "fd00::2")


@pytest.mark.parametrize(
    "change",
    [Stamp(V4, 8, b"12345678"), Stamp(V4, 7, b"12345679")],
    ids=["identifier", "cookie"],
)
def test_an_error_that_quotes_someone_elses_request_is_not_ours(change: Stamp) -> None:
    message = bytes([3, 1]) + bytes(6) + ipv4(request(change, 513, 2, 56))
    assert complaint(Stamp(V4, 7, b"12345678"), message, 0) is None


@given(st.binary(max_size=4))
def test_the_header_length_of_arbitrary_bytes_never_raises(data: bytes) -> None:
    assert 0 <= header_length(data) <= 60


# --- the program the kernel runs


def run_bpf(program: list[Instruction], packet: bytes) -> int:
    """The seven classic BPF instructions that are used; loads beyond the packet drop it."""
    index = accumulator = at = 0
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        if code == 0x06:
            return k
        if code == 0x15:
            at += jump_true if accumulator == k else jump_false
            continue
        if code == 0x01:
            index = k
            continue
        size = {0xB1: 1, 0x50: 1, 0x48: 2, 0x40: 4}[code]
        begin = k if code == 0xB1 else index + k
        if begin + size > len(packet):
            return 0
        value = int.from_bytes(packet[begin : begin + size], "big")
        if code == 0xB1:
            index = 4 * (value & 15)
        else:
            accumulator = value


def framed(family: int, message: bytes, options: int = 0) -> bytes:
    return ipv4(message, options=options) if family == V4 else message


@given(stamps, words, words, st.integers(0, 10))
def test_the_kernel_filter_passes_replies_to_us(
    stamp: Stamp, sequence: int, generation: int, options: int
) -> None:
    reply = as_reply(request(stamp, sequence, generation, 56), stamp.family)
    assert run_bpf(filter_program(stamp), framed(stamp.family, reply, options))


@given(stamps, st.sampled_from(["ident", "cookie"]), st.integers(1, 0xFFFF))
def test_the_kernel_filter_drops_replies_to_others(stamp: Stamp, what: str, flip: int) -> None:
    ident, cookie = stamp.ident, stamp.cookie
    if what == "ident":
        ident ^= flip
    else:
        cookie = bytes([cookie[0] ^ (flip & 0xFF or 1)]) + cookie[1:]
    other = Stamp(stamp.family, ident, cookie)
    reply = as_reply(request(other, 1, 1, 56), stamp.family)
    assert not run_bpf(filter_program(stamp), framed(stamp.family, reply))


@given(stamps)
def test_the_kernel_filter_passes_errors_that_quote_us(stamp: Stamp) -> None:
    quote = request(stamp, 1, 1, 56)[:8]
    inner = ipv4(quote) if stamp.family == V4 else ipv6(quote)
    message = bytes([3 if stamp.family == V4 else 1, 1]) + bytes(6) + inner
    assert run_bpf(filter_program(stamp), framed(stamp.family, message))
    foreign = Stamp(stamp.family, stamp.ident ^ 1, stamp.cookie)
    assert not run_bpf(filter_program(foreign), framed(stamp.family, message))


# --- sequence numbers


@given(st.integers(0, 2 * SPACE), st.lists(st.tuples(st.integers(1, 30_000), st.integers(0, 99))))
def test_no_sequence_is_handed_out_while_it_is_taken(
    start: int, steps: list[tuple[int, int]]
) -> None:
    sequences = Sequences(start)
    taken: set[int] = set()
    seen: set[tuple[int, int]] = set()
    for count, percent in steps:
        run = sequences.take(count)
        assert len(run) <= count
        assert bool(run) == (len(taken) < SPACE)
        assert taken.isdisjoint(run)
        stamped = {(sequences.generation, number) for number in run}
        assert seen.isdisjoint(stamped)
        taken |= set(run)
        seen |= stamped
        for number in sorted(taken)[: len(taken) * percent // 100]:
            sequences.release(number)
            taken.discard(number)
        assert sequences.free == SPACE - len(taken)


def test_a_wrap_starts_a_new_generation() -> None:
    sequences = Sequences(SPACE - 2)
    assert (list(sequences.take(5)), sequences.generation) == ([SPACE - 2, SPACE - 1], 0)
    assert (list(sequences.take(3)), sequences.generation) == ([0, 1, 2], 1)


def test_a_sequence_that_is_not_taken_cannot_be_given_back() -> None:
    with pytest.raises(ValueError, match="sequence 5 is not taken"):
        Sequences().release(5)


# --- round-trip times


class Clocks:
    """Two clocks that a test moves: ns."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_800_000_000_000_000_000, 5_000_000_000

    def bridge(self) -> ClockBridge:
        return ClockBridge(lambda: self.wall, lambda: self.monotonic)

    def pass_by(self, ns: int) -> None:
        self.wall += ns
        self.monotonic += ns


@given(st.integers(0, 10**10), st.integers(0, 10**9))
def test_a_kernel_stamp_gives_the_true_time_however_late_it_is_read(flight: int, idle: int) -> None:
    clocks = Clocks()
    bridge, sent = clocks.bridge(), clocks.monotonic
    clocks.pass_by(flight)
    stamp = clocks.wall
    clocks.pass_by(idle)
    bridge.look()
    assert bridge.rtt(sent, stamp, clocks.monotonic) == max(flight, SHORTEST)


@given(st.integers(0, 10**10), st.integers(-(10**13), 10**13), st.integers(0, 10**9))
def test_a_step_of_the_wall_clock_never_makes_an_absurd_time(
    flight: int, step: int, idle: int
) -> None:
    clocks = Clocks()
    bridge, sent = clocks.bridge(), clocks.monotonic
    clocks.pass_by(flight)
    stamp = clocks.wall
    clocks.wall += step
    clocks.pass_by(idle)
    bridge.look()
    rtt = bridge.rtt(sent, stamp, clocks.monotonic)
    assert SHORTEST <= rtt <= max(flight + idle, SHORTEST)
    if abs(step) > STEP:
        assert rtt == max(flight + idle, SHORTEST)
    else:
        assert abs(rtt - flight) <= max(STEP, idle, SHORTEST)


@given(st.integers(), st.integers(0, 2**62), st.integers(0, 2**62))
def test_any_stamp_gives_a_time_between_sending_and_reading(
    stamp: int, sent: int, wait: int
) -> None:
    bridge = Clocks().bridge()
    assert SHORTEST <= bridge.rtt(sent, stamp, sent + wait) <= max(wait, SHORTEST)


def test_a_stamp_just_before_the_sending_is_noise_of_reading_two_clocks() -> None:
    clocks = Clocks()
    bridge, sent = clocks.bridge(), clocks.monotonic
    assert bridge.rtt(sent, clocks.wall - NOISE, sent + 10**6) == SHORTEST
    assert bridge.rtt(sent, clocks.wall - NOISE - 1, sent + 10**6) == 10**6


def test_being_held_up_between_the_two_clocks_is_not_a_step() -> None:
    clocks = Clocks()
    delays = [0, 5_000_000]  # ns that pass after reading the wall clock: the second time 5 ms

    def wall() -> int:
        reading = clocks.wall
        clocks.pass_by(delays.pop(0) if delays else 0)
        return reading

    bridge = ClockBridge(wall, lambda: clocks.monotonic)
    clocks.pass_by(10**9)
    bridge.look()
    assert delays == []
    assert not bridge.stepped
