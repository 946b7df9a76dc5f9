from __future__ import annotations

import math

from district import T0, check, failed, ok, unknown
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Result, Threshold, Verdict
from ioc.engine.model import CheckStatus, State
from ioc.engine.points import result_point
from ioc.engine.state import advance, expire, freshness, judge, merged_values, own_state

CHECK = check("a")
SLOW = check("a", thresholds=(Threshold("rtt_ms", above=200), Threshold("signal", below=-105)))
CERTIFICATE = check("a", id="a.tls", fatal=False)


def status(state: State, of: object = CHECK, **values: float) -> CheckStatus:
    at = T0
    result = failed("a", at) if state is State.DOWN else ok("a", at, **values)
    return CheckStatus(of.id, state, at, result)  # type: ignore[attr-defined]


def test_a_value_beyond_its_threshold_degrades_and_says_which() -> None:
    state, reason = judge(SLOW, ok("a", T0, rtt_ms=350.5))
    assert state is State.DEGRADED
    assert str(reason) == "rtt_ms is 350.5, above 200"
    state, reason = judge(SLOW, ok("a", T0, rtt_ms=1, signal=-110))
    assert str(reason) == "signal is -110, below -105"


def test_a_value_at_its_threshold_or_not_measured_is_fine() -> None:
    assert judge(SLOW, ok("a", T0, rtt_ms=200, signal=-105))[0] is State.UP
    assert judge(SLOW, ok("a", T0, other=1))[0] is State.UP


def test_since_moves_only_when_the_state_changes() -> None:
    one = advance(CheckStatus("a.fake"), CHECK, ok("a", T0), 1)
    two = advance(one, CHECK, ok("a", T0 + 1000), 2)
    three = advance(two, CHECK, failed("a", T0 + 2000), 3)
    assert (one.since, two.since, three.since) == (T0, T0, T0 + 2000)
    assert (two.ok_at, three.ok_at) == (T0 + 1000, T0 + 1000)


def test_what_we_could_not_measure_is_no_evidence() -> None:
    up = advance(CheckStatus("a.fake"), CHECK, ok("a", T0), 50)
    assert advance(up, CHECK, unknown("a", T0 + 1000), 99) == up
    fresh = advance(CheckStatus("a.fake"), CHECK, unknown("a", T0), 99)
    assert fresh.state is State.UNKNOWN
    assert result_point((), unknown("a", T0)) is None


def test_a_failure_stores_no_round_trip_time_and_a_nan_is_never_stored() -> None:
    point = result_point((), failed("a", T0))
    assert point is not None
    assert dict(point.fields) == {"up": 0.0}
    odd = Result("a.fake", T0, Verdict.OK, {"rtt_ms": math.nan, "loss_pct": math.inf, "x": 1.0})
    point = result_point((), odd)
    assert point is not None
    assert dict(point.fields) == {"up": 1.0, "x": 1.0}


def test_freshness_covers_the_intervals_and_a_round_of_rechecks() -> None:
    assert freshness(check("a", interval=10.0, timeout=2.0), 3) == 30 + 4 * 2


def test_own_state_table() -> None:
    def own(*pairs: object) -> State:
        return own_state(pairs).state  # type: ignore[arg-type]

    up, down, unk = status(State.UP), status(State.DOWN), expire(status(State.UP), T0)
    cert_up, cert_down = status(State.UP, CERTIFICATE), status(State.DOWN, CERTIFICATE)
    assert own() is State.UNKNOWN
    assert own((CHECK, up)) is State.UP
    assert own((CHECK, down)) is State.DOWN
    assert own((CHECK, unk)) is State.UNKNOWN
    assert own((CHECK, up), (CERTIFICATE, cert_down)) is State.DEGRADED
    assert own((CHECK, down), (CERTIFICATE, cert_up)) is State.DOWN
    assert own((CHECK, unk), (CERTIFICATE, cert_up)) is State.UNKNOWN
    assert own((CERTIFICATE, cert_down)) is State.DEGRADED
    assert own((CHECK, up), (check("a", id="a.dns"), unk)) is State.UP


def test_values_of_further_checks_carry_their_name() -> None:
    first, second = status(State.UP, rtt_ms=1), status(State.UP, CERTIFICATE, days_left=30)
    assert merged_values([(CHECK, first), (CERTIFICATE, second)]) == {
        "rtt_ms": 1,
        "tls_days_left": 30,
    }


results = st.lists(
    st.tuples(
        st.sampled_from([ok, failed, unknown]), st.integers(min_value=T0, max_value=T0 + 10**9)
    )
)


@given(results)
def test_any_sequence_of_results_leaves_a_state_that_its_last_evidence_explains(
    sequence: list[tuple[object, int]],
) -> None:
    current = CheckStatus("a.fake")
    evidence = [make for make, _ in sequence if make is not unknown]
    for make, at in sequence:
        current = advance(current, CHECK, make("a", at), 1.0)  # type: ignore[operator]
    wanted = {ok: State.UP, failed: State.DOWN}
    assert current.state is (wanted[evidence[-1]] if evidence else State.UNKNOWN)
    assert (current.ok_at is not None) == (ok in evidence)
