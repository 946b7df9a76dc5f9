from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from collectors.base import Reason, Result, Verdict
from ioc import db
from ioc.db import StateDatabase, StateDatabaseError
from ioc.engine.model import AssetView, CheckStatus, SiteView, State, Transition

REASON = Reason("không trả lời trong {timeout} s", {"timeout": 1.5})
RESULT = Result("a.icmp", 5000, Verdict.FAILED, {"loss_pct": 100.0}, REASON, {"đơn vị": "VNPT"}, 4)
STATUS = CheckStatus("a.icmp", State.DOWN, 5000, RESULT, 4000, 99.0)
DOWN = Transition("asset", "a", State.UP, State.DOWN, 5000, "b", REASON)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/dữ liệu/state.db"


@pytest.fixture
def database(url: str) -> Iterator[StateDatabase]:
    opened = StateDatabase.open(url)
    yield opened
    opened.close()


def test_what_is_saved_is_there_after_reopening(database: StateDatabase, url: str) -> None:
    view = AssetView("a", State.DOWN, 5000, "b", REASON)
    database.save([STATUS], [view], [SiteView("s", State.UP, 1)], [DOWN])
    database.close()
    again = StateDatabase.open(url)
    saved = again.load()
    assert saved.checks["a.icmp"] == CheckStatus("a.icmp", State.DOWN, 5000, RESULT, 4000, 0.0)
    assert saved.assets == {"a": (State.DOWN, 5000, "b", REASON)}
    assert saved.sites == {"s": (State.UP, 1, None, None)}
    assert again.transitions() == [DOWN]
    again.close()


def test_the_same_transition_twice_is_one(database: StateDatabase) -> None:
    database.save([], [], [], [DOWN, DOWN])
    database.save([], [], [], [DOWN])
    assert database.transitions() == [DOWN]


def test_transitions_are_filtered_newest_first_and_forgotten(database: StateDatabase) -> None:
    changes = [Transition("asset", f"a{i % 2}", State.UP, State.DOWN, i) for i in range(10)]
    database.save([], [], [], changes)
    assert [t.at for t in database.transitions(id="a1", limit=3)] == [9, 7, 5]
    assert [t.at for t in database.transitions(since=3, until=6)] == [5, 4, 3]
    assert database.transitions(kind="site") == []
    assert database.forget(8) == 8
    assert len(database.transitions()) == 2


def test_a_row_of_another_version_is_left_out_and_named(
    database: StateDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    database.save([STATUS], [], [SiteView("s", State.UP, 1)], [])
    with database._engine.begin() as connection:
        connection.execute(db.checks.insert().values(id="b", state="sideways", since=1))
        connection.execute(
            db.states.insert().values(kind="asset", id="c", state="up", since=1, reason="{")
        )
    saved = database.load()
    assert list(saved.checks) == ["a.icmp"]
    assert len(saved.skipped) == 2
    assert "sideways" in caplog.text


def test_a_database_of_a_newer_program_is_refused(database: StateDatabase, url: str) -> None:
    with database._engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StateDatabaseError, match="newer program"):
        StateDatabase.open(url)


def test_migrations_give_the_tables_the_code_expects(database: StateDatabase) -> None:
    with database._engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), db.metadata)
    assert difference == []


def test_an_error_in_the_middle_leaves_nothing_half_written(database: StateDatabase) -> None:
    broken = Transition("asset", "a", State.UP, State.DOWN, None)  # type: ignore[arg-type]
    with pytest.raises(StateDatabaseError):
        database.save([STATUS], [], [], [broken])
    assert database.load().checks == {}


def test_a_full_disk_is_its_own_error_and_writing_resumes(database: StateDatabase) -> None:
    with database._engine.begin() as connection:
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
        connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 2}"))
    many = [CheckStatus(f"c{i}", State.DOWN, 1, RESULT) for i in range(2000)]
    with pytest.raises(StateDatabaseError, match="full"):
        database.save(many, [], [], [])
    assert database.health() is None
    assert database.load().checks == {}
    with database._engine.begin() as connection:
        connection.execute(sa.text("PRAGMA max_page_count = 100000"))
    database.save(many, [], [], [])
    assert len(database.load().checks) == 2000


@pytest.mark.parametrize("bad", ["nonsense", "nosuch://host/db", "sqlite:////proc/none/state.db"])
def test_an_address_that_cannot_be_opened_is_a_clear_error(bad: str) -> None:
    with pytest.raises(StateDatabaseError, match="IOC_DATABASE"):
        StateDatabase.open(bad)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(StateDatabaseError, match="not a database"):
        StateDatabase.open(f"sqlite:///{tmp_path}/state.db")


def test_threads_may_write_and_read_at_once(database: StateDatabase) -> None:
    def write(number: int) -> None:
        for i in range(20):
            at = number * 100 + i
            database.save([], [], [], [Transition("asset", "a", State.UP, State.DOWN, at)])
            database.transitions(limit=1)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(database.transitions(limit=1000)) == 80


def test_the_history_of_inventories_is_kept(database: StateDatabase) -> None:
    database.record_inventory("abc", 1, True, "480 tài sản")
    database.record_inventory("def", 2, False, "inventory.yaml:3: lỗi")
    assert [row["digest"] for row in database.inventory_history()] == ["def", "abc"]
