from __future__ import annotations

from ioc.engine.hub import Hub


async def test_changes_are_gathered_until_asked_for() -> None:
    hub = Hub()
    with hub.subscribe() as screen:
        hub.publish(["a", "b"], ["x"])
        hub.publish(["b", "c"])
        changes = await screen.wait(1)
        assert (changes.assets, changes.sites, changes.everything) == (
            {"a", "b", "c"},
            {"x"},
            False,
        )
        assert not await screen.wait(0.01)
    assert len(hub) == 0


async def test_a_replaced_inventory_says_read_all_anew() -> None:
    hub = Hub()
    with hub.subscribe() as screen:
        hub.publish(everything=True)
        assert (await screen.wait(1)).everything
