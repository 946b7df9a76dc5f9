"""A bad line is found and set apart, everything else arrives, and nobody is believed too soon."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ioc.store._delivery import CAUTION, DOUBT, LEAST, MOST, Delivery, Experience
from ioc.store.base import StoreRefused, StoreTooLarge, StoreUnavailable
from tests.unit.store._remote import MemoryRemote


def lines(count: int) -> list[bytes]:
    return [b"m up=1.0 %d" % time for time in range(count)]


def bad(*wrong: int) -> MemoryRemote:
    """A server that refuses every request with one of these lines in it."""
    names = {b"m up=1.0 %d" % time for time in wrong}

    def refuse(some: Sequence[bytes]) -> None:
        if names.intersection(some):
            raise StoreRefused("cannot parse")

    return MemoryRemote(trouble=refuse)


def deliver(delivery: Delivery, remote: MemoryRemote, server: Experience) -> int:
    """How many requests it took."""
    while not delivery.done:
        delivery.step(remote, server)
    return remote.asked


@pytest.mark.parametrize("wrong", [(), (0,), (4_999,), (17, 18, 2_500), (1, 4_000)])
def test_the_bad_lines_are_set_apart_and_all_others_arrive_in_order(wrong: tuple[int, ...]) -> None:
    remote, delivery = bad(*wrong), Delivery(lines(5_000))
    asked = deliver(delivery, remote, Experience())
    assert [int(r.line.split()[-1]) for r in delivery.refused] == list(wrong)
    assert {r.reason for r in delivery.refused} <= {"cannot parse"}
    assert remote.times() == [time for time in range(5_000) if time not in wrong]
    assert asked <= 1 + 26 * len(wrong)


def test_nothing_to_deliver_is_done() -> None:
    assert Delivery([]).done


def test_too_large_is_halved_until_it_fits_and_remembered() -> None:
    def small(some: Sequence[bytes]) -> None:
        if len(some) > 700:
            raise StoreTooLarge("413")

    remote, server, delivery = MemoryRemote(trouble=small), Experience(), Delivery(lines(5_000))
    deliver(delivery, remote, server)
    assert remote.times() == list(range(5_000))
    assert not delivery.refused
    assert server.most == 625
    before = remote.asked
    deliver(Delivery(lines(5_000)), remote, server)
    assert remote.asked - before == 8, "the next is cut at once"


def test_larger_requests_are_tried_again_after_many_that_went_well() -> None:
    server = Experience()
    server.too_large(5_000)
    for _ in range(CAUTION + 1):
        assert server.most == 2_500
        server.went_well()
    assert server.most == 5_000


def test_one_line_that_alone_is_too_large_is_set_apart() -> None:
    def short(some: Sequence[bytes]) -> None:
        if sum(map(len, some)) > 50_000:
            raise StoreTooLarge("413")

    monster = b"m up=" + b"0" * 60_000 + b" 77"
    remote, delivery = MemoryRemote(trouble=short), Delivery([*lines(50), monster])
    deliver(delivery, remote, Experience())
    assert [r.line for r in delivery.refused] == [monster]
    assert remote.times() == list(range(50))


def test_after_trouble_less_is_tried_and_soon_more_again() -> None:
    server = Experience()
    for _ in range(20):
        server.struggled()
    assert server.most == LEAST
    for _ in range(5):
        server.went_well()
    assert server.most == MOST


def test_trouble_forgets_nothing() -> None:
    remote, server, delivery = MemoryRemote(), Experience(1_000), Delivery(lines(3_000))
    delivery.step(remote, server)

    def away(some: Sequence[bytes]) -> None:
        raise StoreUnavailable("reset")

    remote.trouble = away
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="reset"):
            delivery.step(remote, server)
    remote.trouble = None
    deliver(delivery, remote, server)
    assert remote.times() == list(range(3_000))


def test_a_server_that_refuses_everything_is_not_believed() -> None:
    remote, server, delivery = bad(*range(5_000)), Experience(), Delivery(lines(5_000))
    with pytest.raises(StoreUnavailable):
        deliver(delivery, remote, server)
    assert len(delivery.refused) == DOUBT
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            deliver(delivery, remote, server)
    assert len(delivery.refused) == DOUBT
    remote.trouble = None
    deliver(delivery, remote, server)
    assert remote.times() == list(range(DOUBT, 5_000)), "it was mended: the lines were good"


def test_a_server_that_takes_others_meanwhile_is_believed() -> None:
    remote, server, delivery = bad(*range(1_000)), Experience(), Delivery(lines(1_000))
    attempts = 0
    while not delivery.done:
        attempts += 1
        try:
            deliver(delivery, remote, server)
        except StoreUnavailable:
            Delivery([b"m up=1.0 999999"]).step(remote, server)
    assert len(delivery.refused) == 1_000
    assert attempts < 10, "sooner each time"
    for number in range(CAUTION + 1):
        Delivery([b"m up=1.0 %d" % (10_000 + number)]).step(remote, server)
    again = Delivery(lines(1_000))
    with pytest.raises(StoreUnavailable):
        deliver(again, remote, server)
    assert len(again.refused) == DOUBT, "that it once was so is no reason to believe it for ever"
