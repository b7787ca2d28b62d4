"""The limits as pure rules: nothing that happens in any order gets past one, and each says when to come back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.access.budget import ALWAYS, DAYTIME, FULL, HALF, CountedDuty, Counts, Hours, Tally, day_number, midnight
from masking.runtime import milliseconds
from masking.values.printable import Refusal

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)


def duty(number: int, opened_at: datetime | None = None, counted_since: datetime | None = None) -> CountedDuty:
    return CountedDuty(
        number.to_bytes(16, "big"),
        opened_at and milliseconds(opened_at),
        milliseconds(counted_since) if counted_since is not None else None,
    )


def tally(now: datetime = NOON, counts: Counts | None = None, **more) -> Tally:
    return Tally(before=counts or Counts("courier-7"), now=now, **more)


def opened(counting: Tally, parcels: range) -> list[Refusal | None]:
    return [counting.try_open(duty(n)) for n in parcels]


def test_daily_ceiling_is_the_days_work_plus_a_tenth_and_five():
    assert [FULL.opened_limit(given) for given in (0, 9, 10, 150)] == [5, 14, 16, 170]
    assert all(limits.opened_limit(given) >= given for limits in (FULL, HALF) for given in range(500))


def test_software_key_has_half_the_limits_except_the_days_work():
    assert [HALF.pace * 2, HALF.open_parcels * 2 + 1, HALF.refusals * 2] == [
        FULL.pace,
        FULL.open_parcels,
        FULL.refusals,
    ]
    extra = [limits.opened_limit(1000) - 1000 for limits in (HALF, FULL)]
    assert extra[0] * 2 <= extra[1]


def test_last_open_place_is_taken_once_and_looking_again_is_free():
    counting = tally(carried_over=150)
    answers = opened(counting, range(FULL.open_parcels + 1))
    assert answers == [None] * FULL.open_parcels + [Refusal(reason="too-many-unfinished")]
    assert opened(counting, range(FULL.open_parcels)) == [None] * FULL.open_parcels
    assert (counting.opened_today, counting.remaining) == (25, 170 - 25)


def test_call_takes_no_place_and_a_later_view_no_second_unit():
    counting = tally(carried_over=150)
    assert [counting.try_open(duty(n), shown=False) for n in range(30)] == [None] * 30
    assert counting.open_parcels == 0
    assert opened(counting, range(30)) == [None] * 25 + [Refusal(reason="too-many-unfinished")] * 5
    assert counting.opened_today == 30
    assert counting.newly_opened == {duty(n).id: n < 25 for n in range(30)}


def test_pace_window_restarts_every_ten_minutes():
    counting = tally(NOON + timedelta(minutes=3, seconds=20), carried_over=150)
    calls = [counting.try_open(duty(n), shown=False) for n in range(41)]
    assert calls == [None] * 40 + [Refusal(reason="too-fast", retry_after=401)]
    later = tally(counting.now + timedelta(seconds=401), counting.counts)
    assert later.try_open(duty(99)) is None
    assert (later.opened_today, later.opened_in_window) == (41, 1)


def test_daily_refusal_says_when_the_day_ends():
    counting = tally(carried_over=0)
    assert opened(counting, range(6)) == [None] * 5 + [Refusal(reason="daily-budget-spent", retry_after=12 * 3600 + 1)]


def test_parcel_viewed_yesterday_counts_again_today():
    counting = tally(carried_over=1)
    assert counting.try_open(duty(1, NOON - A_DAY, NOON - A_DAY)) is None
    assert (counting.opened_today, counting.open_parcels) == (1, 1)
    assert counting.try_open(duty(2, NOON - timedelta(hours=1), NOON - timedelta(hours=1))) is None
    assert (counting.opened_today, counting.open_parcels) == (1, 1)


@pytest.mark.parametrize(("hour", "wait"), [(5, 0), (22, 0), (23, 6 * 3600 + 1), (0, 5 * 3600 + 1), (4, 3601)])
def test_nothing_is_opened_at_night(hour, wait):
    now = datetime(2026, 11, 24, hour, tzinfo=UTC) - timedelta(hours=8)
    expected = Refusal(reason="off-hours", retry_after=wait) if wait else None
    assert tally(now, carried_over=9, hours=DAYTIME).try_open(duty(1)) == expected
    assert tally(now, carried_over=9).try_open(duty(1)) is None


def test_twentieth_refusal_in_an_hour_locks_for_an_hour_with_one_alarm():
    counting = tally(NOON + timedelta(minutes=59))
    for n in range(25):
        assert counting.alarm_raised is (n >= 20)
        assert (counting.locked() is None) is (n < 20)
        counting.record_refusal()
    assert counting.locked() == Refusal(reason="locked", retry_after=3601)
    kept = counting.counts
    for minutes, locked in ((2, True), (59, True), (60, False)):  # also across the hour in which they are counted
        assert (tally(counting.now + timedelta(minutes=minutes), kept).locked() is not None) is locked
    assert not tally(counting.now + timedelta(minutes=2), kept).alarm_raised


def test_refusals_without_a_leaf_are_reported_each_minute_and_none_is_lost():
    told, counts = [], Counts("courier-7")
    for seconds in range(0, 300, 7):
        counting = tally(NOON + timedelta(seconds=seconds), counts)
        told.append(counting.count_without_leaf(3))
        counts = counting.counts
    assert len([n for n in told if n]) == 5
    assert sum(told) + counts.unreported_refusals == 3 * len(told)


def test_worker_with_a_slow_clock_restarts_no_window():
    before_midnight = datetime.fromtimestamp(midnight(NOON) / 1000, UTC) - timedelta(seconds=1)
    ahead = tally(before_midnight + timedelta(seconds=2), carried_over=50)
    opened(ahead, range(10))
    ahead.record_refusal()
    behind = tally(before_midnight, ahead.counts, carried_over=50)
    assert (behind.opened_today, behind.opened_in_window, behind.refusals) == (10, 10, 1)
    assert behind.counts == ahead.counts
    assert behind.locked() is None
    for _ in range(FULL.refusals - 1):
        ahead.record_refusal()
    assert tally(before_midnight, ahead.counts).locked()
    assert day_number(before_midnight) + 1 == ahead.day


def test_clock_that_was_once_far_ahead_locks_no_caller():
    wrong = tally(NOON + 400 * A_DAY, carried_over=0)
    opened(wrong, range(5))
    for _ in range(20):
        wrong.record_refusal()
    right = tally(NOON, wrong.counts, carried_over=3)
    assert right.locked() is None
    assert right.try_open(duty(1)) is None
    for longer, locks in ((0, True), (1, False)):  # milliseconds beyond a lock by a clock that is an hour ahead
        until = milliseconds(NOON) + 7_200_000 + longer
        assert (tally(NOON, Counts("courier-7", locked_until=until)).locked() is not None) is locks


@pytest.mark.parametrize(("given", "most"), [(0, 25), (9, 25), (10, 26), (100, 35)])
def test_outlet_may_reassign_a_tenth_of_its_assignments_plus_25(given, most):
    outlet = tally(carried_over=given)
    assert [outlet.try_reassign() for _ in range(most)] == [None] * most
    assert outlet.try_reassign() == Refusal(reason="too-many-handed-on", retry_after=12 * 3600 + 1)  # it is noon
    assert outlet.opened_today == most


ACTS = st.one_of(
    st.tuples(st.just("look"), st.integers(0, 60)),
    st.tuples(st.just("call"), st.integers(0, 60)),
    st.tuples(st.just("finish"), st.integers(0, 60)),
    st.tuples(st.just("give"), st.integers(1, 30)),
    st.tuples(st.just("refuse"), st.integers(1, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 601, 3601, 86401])),
)


@given(
    st.lists(ACTS, max_size=150),
    st.sampled_from([FULL, HALF]),
    st.sampled_from([ALWAYS, DAYTIME, Hours(first=8, last=18)]),
)
def test_no_order_of_events_exceeds_a_limit(acts, limits, hours):
    now, counts, duties, given_today = NOON, Counts("courier-7"), {}, 0
    taken_by_tenth, by_day = Counter(), {}
    for act, amount in acts:
        today, tenth = day_number(now), milliseconds(now) // 600_000
        places = sum(each.counted_since is not None and each.counted_since >= midnight(now) for each in duties.values())
        counting = Tally(before=counts, now=now, limits=limits, hours=hours, open_parcels=places)
        if act in {"look", "call"}:
            known = duties.get(amount, duty(amount))
            answer = counting.try_open(known, shown=act == "look")
            if answer is None:
                assert hours.wait(now) == 0
                fresh = known.opened_at is None or known.opened_at < midnight(now)
                taken_by_tenth[tenth] += fresh
                by_day.setdefault(today, set()).add(amount)
                at = milliseconds(now)
                since = at if act == "look" and counting.newly_opened.get(known.id) else known.counted_since
                duties[amount] = CountedDuty(known.id, at if fresh else known.opened_at, since)
        elif act == "finish" and amount in duties:
            duties[amount] = duties[amount]._replace(counted_since=None)
        elif act == "give":
            given_today += amount
            for _ in range(amount):
                counting.record_assignment()
        elif act == "refuse":
            for _ in range(amount):
                if not counting.locked():
                    counting.record_refusal()
        counts = counting.counts
        assert taken_by_tenth[tenth] <= limits.pace
        assert len(by_day.get(today, ())) <= limits.opened_limit(given_today)
        assert (
            sum(each.counted_since is not None and each.counted_since >= midnight(now) for each in duties.values())
            <= limits.open_parcels
        )
        assert counts.refusals <= limits.refusals
        assert counting.remaining == limits.opened_limit(given_today) - len(by_day.get(today, ()))
        if act == "wait":
            now += timedelta(seconds=amount)
            given_today = given_today if day_number(now) == today else 0
