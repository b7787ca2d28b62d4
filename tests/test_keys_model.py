"""The key store against a model: any sequence of seal, rotate, revoke, refresh, seal away and destroy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from masking.crypto.keys import FileKeySource
from masking.database import key_schema
from masking.database.connections import open_engine
from masking.errors import RefusedError, UnknownWaybillError
from masking.keys import lifecycle
from masking.keys.keystore import Destruction, Generation, KeyStore
from masking.upkeep.archive import _archived_key
from tests.support.fake_world import FakeWorld
from tests.support.people import TENANT


class Keys(RuleBasedStateMachine):
    """`self.model` holds what must be true of each waybill: its key, and whether it opens online and from the archive."""

    waybills = Bundle("waybills")

    def __init__(self) -> None:
        super().__init__()
        self.fake_world = FakeWorld()
        self.engine = open_engine("sqlite://")
        key_schema.keys.create_all(self.engine)
        self.keys = KeyStore(self.engine, FileKeySource(bytes(32)))
        self.offline: dict[str, bytes] = {}
        self.rotate_offline()
        self.sealed_to: dict[str, str] = {}
        self.model: dict[Generation, tuple[bytes, str, str]] = {}

    def teardown(self) -> None:
        self.engine.dispose()

    @property
    def world(self):
        return self.fake_world.world

    @rule(target=waybills)
    def seal(self):
        """A new waybill."""
        generation = Generation(self.world.record_id(self.fake_world.time), 1)
        [key] = self.keys.add_wraps(TENANT, [generation], self.world, self.fake_world.time)
        [wrapped] = self.keys.online_wraps([generation]).values()
        day = wrapped.online_key[:10]
        self.sealed_to.setdefault(day, max(self.offline, key=int))
        self.model[generation] = (key, "active", day)
        return generation

    @rule(days=st.integers(0, 20))
    def time_passes(self, days):
        self.fake_world.advance(days=days, hours=1)

    @rule()
    def the_days_close(self):
        lifecycle.close_days(
            self.keys, lifecycle.archive_keys_due(self.keys, self.fake_world.time), self.fake_world.time
        )

    @rule(purpose=st.sampled_from(["online", "label"]))
    def rotate(self, purpose):
        lifecycle.rotate(self.keys, purpose, self.world, self.fake_world.time)

    @rule()
    def rotate_offline(self):
        name, private = lifecycle.new_offline(self.keys)
        lifecycle.use_offline(self.keys, name, private, self.world, self.fake_world.time)
        self.offline[name] = private

    @rule(choice=st.randoms(use_true_random=False))
    def revoke(self, choice):
        names = self.keys.names("online")
        if names:
            lifecycle.revoke(self.keys, "online", choice.choice(names), self.fake_world.time)

    @rule(batches=st.integers(0, 3))
    def refresh_a_little(self, batches):
        """Cut off after some batches."""
        moves = lifecycle.refresh(self.keys, self._old(), self.world, self.fake_world.time, batch=1)
        for _ in range(batches):
            next(moves, None)
        moves.close()

    @rule()
    def refresh_and_destroy(self):
        for name in self._old():
            list(lifecycle.refresh(self.keys, [name], self.world, self.fake_world.time))
            lifecycle.destroy(self.keys, "online", name, self.fake_world.time)

    @rule(choice=st.randoms(use_true_random=False))
    def a_key_that_something_hangs_on_is_not_destroyed(self, choice):
        used = {w.online_key for w in self.keys.online_wraps(list(self.model)).values()}
        if used:
            with pytest.raises(RefusedError):
                lifecycle.destroy(self.keys, "online", choice.choice(sorted(used)), self.fake_world.time)

    @rule(waybill=waybills)
    def seal_away(self, waybill):
        key, state, day = self.model[waybill]
        self.keys.seal_away([waybill.waybill])
        self.model[waybill] = (key, state if state == "destroyed" else "sealed away", day)

    @rule(waybill=consumes(waybills))
    def destroy(self, waybill):
        key, _, day = self.model[waybill]
        self.keys.destroy([Destruction(waybill.waybill, "operator", "test")], self.fake_world.time)
        self.model[waybill] = (key, "destroyed", day)

    @rule()
    def another_worker_starts(self):
        self.keys.forget()

    @invariant()
    def everything_opens_for_whom_it_should_and_for_nobody_else(self):
        wraps = self.keys.online_wraps(list(self.model))
        for waybill, (key, state, day) in self.model.items():
            assert (waybill.waybill in wraps) == (state == "active")
            if state == "active":
                assert self.keys.unwrap(wraps[waybill.waybill]) == key
            private = self.offline[self.sealed_to[day]]
            if state == "destroyed":
                with pytest.raises(UnknownWaybillError):
                    _archived_key(self.keys, private, waybill)
            else:
                assert _archived_key(self.keys, private, waybill) == key

    def _old(self) -> list[str]:
        current = self.keys.day_name("online", self.world, self.fake_world.time)
        lines = lifecycle.listing(self.keys)
        return [
            line.name
            for line in lines
            if line.purpose == "online" and line.state in {"live", "revoked"} and line.name != current
        ]


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=20, stateful_step_count=20, deadline=timedelta(seconds=20))
