from __future__ import annotations

import threading
from itertools import count

import pytest

from serving.inforce.reloading import LoadError, NotLoadedError, Source, Watched


class Shelf:
    """A source whose content a test changes."""

    def __init__(self, content="first"):
        self.content = content
        self.looks = 0

    def version(self):
        self.looks += 1
        return self.content

    def load(self):
        if self.content == "broken":
            raise LoadError("it is broken")
        if self.content == "odd":
            raise RuntimeError("nobody thought of it")
        return self.content.upper()

    def watched(self):
        return Watched(Source("the shelf", self.version, self.load))

    def looked(self):
        found = self.watched()
        found.look()
        return found


def test_a_value_is_there_once_it_was_looked_for():
    watched = Shelf().watched()
    with pytest.raises(NotLoadedError, match="the shelf are being loaded"):
        watched.current()
    watched.look()
    assert watched.current() == "FIRST"


def test_a_changed_value_is_swapped_at_the_next_look():
    shelf = Shelf()
    watched = shelf.looked()
    shelf.content = "second"
    assert (watched.current(), shelf.looks) == ("FIRST", 1)
    watched.look()
    assert (watched.current(), shelf.looks) == ("SECOND", 2)


def test_an_unchanged_value_is_not_loaded_again():
    watched = Shelf().looked()
    before = watched.current()
    watched.look()
    assert watched.current() is before


def test_the_old_value_stays_when_the_new_one_cannot_be_loaded():
    shelf = Shelf()
    watched = shelf.looked()
    shelf.content = "broken"
    watched.look()
    assert watched.current() == "FIRST"
    assert watched.error == "it is broken"


def test_what_nobody_foresaw_ends_no_looking():
    shelf = Shelf()
    watched = shelf.looked()
    for content, error in (("odd", "RuntimeError: nobody thought of it"), ("second", None)):
        shelf.content = content
        watched.look()
        assert watched.error == error
    assert watched.current() == "SECOND"


def test_the_error_goes_when_the_source_recovers():
    shelf = Shelf()
    watched = shelf.looked()
    for content in ("broken", "first"):
        shelf.content = content
        watched.look()
    assert watched.error is None


def test_without_any_value_the_reason_is_told():
    watched = Shelf("broken").looked()
    with pytest.raises(NotLoadedError, match="it is broken"):
        watched.current()


def test_a_failed_load_is_told_once_in_the_log(caplog):
    watched = Shelf("broken").watched()
    for _ in range(3):
        watched.look()
    assert [record.message for record in caplog.records] == [
        "the shelf cannot be loaded: it is broken"
    ]


def test_readers_do_not_wait_for_one_that_loads():
    loading, go_on = threading.Event(), threading.Event()

    def load():
        if source_is_slow:
            loading.set()
            go_on.wait(10)
        return "slow" if source_is_slow else "quick"

    source_is_slow = False
    watched = Watched(Source("the shelf", count().__next__, load))
    watched.look()
    source_is_slow = True
    loader = threading.Thread(target=watched.look)
    loader.start()
    assert loading.wait(10)
    assert watched.current() == "quick"
    go_on.set()
    loader.join(10)
    assert watched.current() == "slow"
