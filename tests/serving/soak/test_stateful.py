"""The store against a simple model of what it should hold, by steps that are made up."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.store.reading import StoredSettings
from serving.clock import ShopClock
from serving.customers.service import some
from serving.events.service import take_events
from serving.http.problems import ProblemError
from serving.imports.service import import_history
from serving.persons.service import erase, timeline
from serving.publications.files import read_scores
from serving.publications.service import Published, publish
from serving.store.database import Database
from serving.store.migrating import ready

# `make soak` tries more, and on both databases.
EXAMPLES = int(os.environ.get("HOLDFAST_STATEFUL_EXAMPLES", "6"))
STEPS = 20 if EXAMPLES < 10 else 60
PERSONS = [f"p{n}" for n in range(6)]
START, LONG_AGO = datetime(2026, 1, 1), datetime(2025, 6, 1)
MAPPING = Mapping(currency="EUR")
BAD = [
    {"amount": "20"},
    {"amount": float("inf")},
    {"ordered_at": "2999-01-01"},
    {"order_id": "\ud800"},
    {"customer_id": "a\0"},
    {"price": 1},
    {"type": "visit"},
]
persons = st.sampled_from(PERSONS)


class Shop(RuleBasedStateMachine):
    """What was told, and what the store should therefore say."""

    def __init__(self, url, run):
        super().__init__()
        self.url, self.run = url, run
        self.database = ready(Database.at(url))
        self.now, self.number, self.sent = START, 0, []
        # Event -> (content, when it came in); order -> (customer, amount, version); and so on.
        self.taken, self.orders, self.consents, self.imported = {}, {}, {}, {}
        self.erased, self.in_force, self.waiting = {}, set(), set()

    def teardown(self):
        self.read()
        self.database.close()

    @rule(hours=st.integers(1, 48))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule(
        made=st.lists(
            st.tuples(
                st.sampled_from(["order", "consent", "again", "other", "bad"]),
                persons,
                st.booleans(),
                st.integers(0, 1000),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def events_come_in(self, made):
        self._send([self._event(*each) for each in made])

    @precondition(lambda self: self.sent)
    @rule()
    def all_is_sent_again(self):
        self._send([(kind, event) for kind, event in self.sent if kind != "bad"][-1000:])

    def _event(self, kind, person, is_recent, number):
        """An event, and whether it is good; each new one is of a version of its own."""
        self.number += 1
        if kind in ("again", "other") and self.sent:
            before, event = self.sent[number % len(self.sent)]
            changed = {"attributes": {}, "recorded_at": self._written()}
            return before, event if kind == "again" else {**event, **changed}
        at = (self.now if is_recent else LONG_AGO).isoformat()
        own = {"event_id": f"e{self.number}", "customer_id": person}
        if kind == "consent":
            changed = (LONG_AGO + timedelta(seconds=self.number)).isoformat()
            event = {"type": "customer", **own, "changed_at": changed,
                     "marketing_consent": is_recent}  # fmt: skip
            return "good", event
        event = {"type": "order", **own, "order_id": f"{person} {number % 3}", "ordered_at": at,
                 "amount": 1 + number % 7, "recorded_at": self._written(number)}  # fmt: skip
        return ("bad", {**event, **BAD[number % len(BAD)]}) if kind == "bad" else ("good", event)

    def _written(self, minutes=0):
        """An instant of its own; a later event may be of an earlier version."""
        return (LONG_AGO + timedelta(minutes=minutes, microseconds=self.number)).isoformat()

    def _send(self, events):
        accepted = duplicate = 0
        rejected = []
        for index, (kind, event) in enumerate(events):
            before = self.taken.get(event["event_id"])
            if kind == "bad" or (before is not None and before[0] != event):
                rejected.append(index)
            elif before is not None:
                duplicate += 1
            elif self._is_of_the_erased(event):
                rejected.append(index)
            else:
                accepted += 1
                self._take(event)
        answer = take_events(
            self.database,
            [e for _, e in events],
            ShopClock(self.now),
            lambda: StoredSettings(MAPPING),
        )
        told = (answer.accepted, answer.duplicate, [each.index for each in answer.rejected])
        assert told == (accepted, duplicate, rejected), (told, (accepted, duplicate, rejected))
        self.sent += [each for each in events if each not in self.sent]

    def _is_of_the_erased(self, event):
        happened = datetime.fromisoformat(event.get("ordered_at") or event["changed_at"])
        return happened <= self.erased.get(event["customer_id"], datetime.min)

    def _take(self, event):
        person = event["customer_id"]
        self.taken[event["event_id"]] = (event, self.now)
        self.waiting.add(person)
        if event["type"] == "customer":
            said = (event["changed_at"], event["marketing_consent"])
            self.consents[person] = max(said, self.consents.get(person, ("", False)))
        else:
            said = (event["recorded_at"], float(event["amount"]))
            known = self.orders.get(event["order_id"], (person, ("", 0.0)))
            self.orders[event["order_id"]] = (person, max(said, known[1]))

    @rule(person=persons)
    def somebody_is_erased(self, person):
        erase(self.database, ShopClock(self.now), person, "a test")
        self.erased[person] = self.now + timedelta(seconds=59)
        self.in_force.discard(person)
        self.waiting.discard(person)
        self.consents.pop(person, None)
        gone = {key for key, (event, _) in self.taken.items() if event["customer_id"] == person}
        self.taken = {key: each for key, each in self.taken.items() if key not in gone}
        self.orders = {key: each for key, each in self.orders.items() if each[0] != person}
        self.imported = {key: each for key, each in self.imported.items() if each[0] != person}
        assert self._orders_in_the_timeline(person) == set()

    @rule(those=st.lists(persons, min_size=1, max_size=4, unique=True), number=st.integers(0, 3))
    def a_history_is_imported(self, those, number):
        rows = [(f"i {person} {number}", person, 5.0 + number) for person in those]
        names = ["order_id", "customer_id", "amount"]
        frame = pl.DataFrame(rows, schema=names, orient="row")
        frame = frame.with_columns(ordered_at=pl.lit(LONG_AGO.date().isoformat()))
        import_history(self.database, take_in({"orders": frame}, MAPPING), MAPPING)
        self.imported |= {key: (person, amount) for key, person, amount in rows
                          if person not in self.erased}  # fmt: skip

    @rule(those=st.lists(persons, min_size=1, unique=True))
    def scores_are_published(self, those):
        rows = self.run.rows.head(len(those)).with_columns(
            pl.Series("customer_id", those), as_of=pl.lit(self.now, pl.Datetime("us"))
        )
        publish(self.database, rows, self.run.terms)
        self.in_force = {each for each in those if self.erased.get(each, START) < self.now
                         or each not in self.erased}  # fmt: skip
        self.waiting |= {event["customer_id"] for event, at in self.taken.values()
                         if at >= self.now}  # fmt: skip

    @precondition(lambda self: self.in_force)
    @rule()
    def some_are_looked_up(self):
        found = some(Published(self.database), PERSONS)
        assert {row.customer_id for row in found.customers} == self.in_force
        assert set(found.missing) == set(PERSONS) - self.in_force
        stale = {row.customer_id for row in found.customers if row.stale}
        assert stale == self.in_force & self.waiting

    @rule(person=persons)
    def a_timeline_is_read(self, person):
        known = {key for key, each in (self.orders | self.imported).items() if each[0] == person}
        assert self._orders_in_the_timeline(person) == known

    def _orders_in_the_timeline(self, person):
        try:
            happenings = timeline(self.database, person).happenings
        except ProblemError:
            return set()
        return {each.fields["order_id"] for each in happenings if each.table == "orders"}

    @rule()
    def read(self):
        if not self.orders and not self.imported:
            return
        past = History.open(self.url).upto("2027-01-01")
        rows = past.orders.collect().to_native().select("order_id", "customer_id", "amount").rows()
        told = {key: (person, said[1]) for key, (person, said) in self.orders.items()}
        assert {key: (person, amount) for key, person, amount in rows} == told | self.imported
        if past.customers is not None:
            columns = ("customer_id", "marketing_consent")
            known = dict(past.customers.collect().to_native().select(*columns).rows())
            said = {who: str(given).lower() for who, (_, given) in self.consents.items()}
            assert known == said


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if EXAMPLES >= 10 else ["sqlite"])
def test_the_store_says_what_it_was_told(kind, request, tmp_path_factory, served):
    run = read_scores(served.scores, served.tracker)

    def machine():
        if kind == "postgresql":
            return Shop(request.getfixturevalue("postgres")(), run)
        return Shop(f"sqlite:///{tmp_path_factory.mktemp('state') / 'store.db'}", run)

    made_up = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=made_up)
