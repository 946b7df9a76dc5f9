"""Incidents in the state database: what is saved comes back; what cannot be read harms nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from collectors.base import Reason
from ioc.db import StateDatabase, Wanted
from ioc.engine.incident import Event, Incident, Step
from ioc.engine.maintenance import Window
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity
from ioc.outbox import Message, Outbox

FULL = Incident(
    id=7, key="site:yen-thinh", kind=Kind.ON_BACKUP, severity=Severity.CRITICAL,
    subject="yen-thinh.fiber", site="yen-thinh", since=1000, opened_at=1001,
    reason=Reason("no reply within {timeout} s", {"timeout": 1.5}),
    affected=("yen-thinh.fiber", "x"), works=("yen-thinh.4g",), told_at=1002,
    told_kind=Kind.ON_BACKUP, told_severity=Severity.CRITICAL, unstable=True, waiting=True,
    acknowledged_at=1003, acknowledged_by="Nguyễn An", cause="đứt cáp", told=("mail/0",),
    escalated=("lanh-dao",),
)  # fmt: skip
WINDOW = Window(3, "thay cáp", "an", 1, 2, 3, frozenset({"a"}), frozenset({"a.b"}),
                frozenset({"fiber"}), frozenset({0, 6}), (1320, 300), 5)  # fmt: skip
EVENT = Event(7, 1, 1001, Step.ACKNOWLEDGED, "Nguyễn An", "đang xem", Kind.ON_BACKUP,
              Severity.CRITICAL, 2)  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    opened = StateDatabase.open(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


def save(database: StateDatabase, *incidents: Incident) -> None:
    database.save([], [], [], [], incidents=incidents, events=[EVENT], windows=[WINDOW])


def test_everything_comes_back_as_it_was(database: StateDatabase) -> None:
    save(database, FULL)
    loaded = database.load_incidents(0)
    assert loaded.recent == (FULL,)
    assert loaded.waiting == (FULL,)
    assert loaded.windows == (WINDOW,)
    assert loaded.events == {7: 1}
    assert database.incident(7) == (FULL, [EVENT])
    assert database.incident(8) is None


def test_what_ended_long_ago_is_not_loaded_but_the_newest_number_is(
    database: StateDatabase,
) -> None:
    old = replace(FULL, id=1, waiting=False, resolved_at=50)
    newer = replace(old, id=2, key="x", resolved_at=60)
    save(database, old, newer)
    assert [i.id for i in database.load_incidents(1000).recent] == [2]


def test_incidents_are_found_by_what_they_are(database: StateDatabase) -> None:
    save(database, FULL, replace(FULL, id=8, site="b", since=5000, resolved_at=6000))
    for wanted, ids in (
        (Wanted(), [8, 7]),
        (Wanted(open=True), [7]),
        (Wanted(open=False), [8]),
        (Wanted(site="b"), [8]),
        (Wanted(since=2000), [8]),
        (Wanted(until=2000), [7]),
        (Wanted(before=8), [7]),
        (Wanted(limit=1), [8]),
        (Wanted(severity="info"), []),
        (Wanted(kind="on-backup"), [8, 7]),
    ):
        assert [i.id for i in database.incidents(wanted)] == ids, wanted


def test_a_row_of_another_version_is_left_out(database: StateDatabase) -> None:
    save(database, FULL, replace(FULL, id=8))
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE incidents SET data = '{\"x\": 1}' WHERE id = 8"))
        connection.execute(sa.text("UPDATE maintenance SET data = 'broken'"))
    loaded = database.load_incidents(0)
    assert [i.id for i in loaded.recent] == [7]
    assert loaded.windows == ()


def test_incident_and_message_are_stored_together_or_not_at_all(database: StateDatabase) -> None:
    wrong = Message("k", "notify", None, "incident:7", "t", "b", 1, 1)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        database.save([], [], [], [], incidents=[FULL], messages=[wrong])
    assert database.incidents(Wanted()) == []
    database.save([], [], [], [], incidents=[FULL], messages=[replace(wrong, recipient="mail/0")])
    assert [m.key for m in Outbox(database.engine).list()] == ["k"]


def test_old_incidents_are_forgotten_with_their_timelines(database: StateDatabase) -> None:
    save(database, replace(FULL, resolved_at=100))
    database.forget(1000)
    assert database.incident(7) is None
