"""Methods of participants, announced and inferred."""

from __future__ import annotations

import pytest

from livekit.server.console.call_tracker import CallTracker
from livekit.server.console.known_methods import MAX_METHODS, KnownMethods
from tests.server.console.packets import ROOM, failure, feed, request, response


@pytest.fixture
def known_methods() -> KnownMethods:
    return KnownMethods()


@pytest.fixture
def tracker(known_methods: KnownMethods) -> CallTracker:
    return CallTracker(known_methods.learn)


def test_response_shows_that_the_method_exists(known_methods: KnownMethods, tracker: CallTracker) -> None:
    feed(tracker, ("alice", request(method="b")), ("bob", response()))
    feed(tracker, ("alice", request(method="a")), ("bob", response()))
    assert known_methods.of(ROOM, "bob") == ["a", "b"]
    assert known_methods.of("other", "bob") == known_methods.of(ROOM, "alice") == []


@pytest.mark.parametrize(
    ("code", "known"),
    [(2001, True), (1500, True), (1504, True), (1400, False), (1402, False), (1502, False), (1503, False)],
)
def test_errors_that_show_a_method(known_methods: KnownMethods, tracker: CallTracker, code: int, known: bool) -> None:
    feed(tracker, ("alice", request()), ("bob", failure(code=code)))
    assert known_methods.of(ROOM, "bob") == (["add"] if known else [])


def test_unregistered_method_is_removed(known_methods: KnownMethods, tracker: CallTracker) -> None:
    feed(tracker, ("alice", request()), ("bob", response()), ("alice", request()), ("bob", failure(code=1400)))
    assert known_methods.of(ROOM, "bob") == []


def test_announced_methods_replace_inferred_ones(known_methods: KnownMethods, tracker: CallTracker) -> None:
    feed(tracker, ("alice", request(method="old")), ("bob", response()))
    assert not known_methods.is_announced(ROOM, "bob")
    known_methods.announce(ROOM, "bob", ["z", "y"])
    assert known_methods.is_announced(ROOM, "bob")
    assert known_methods.of(ROOM, "bob") == ["y", "z"]
    feed(tracker, ("alice", request(method="new")), ("bob", response()))
    assert known_methods.of(ROOM, "bob") == ["new", "y", "z"]
    feed(tracker, ("alice", request(method="y")), ("bob", failure(code=1400)))
    assert known_methods.of(ROOM, "bob") == ["new", "z"]
    known_methods.left(ROOM, "bob")
    assert known_methods.of(ROOM, "bob") == []


def test_unresponsive_participant_is_marked(known_methods: KnownMethods) -> None:
    known_methods.mark_unresponsive(ROOM, "bob")
    assert known_methods.is_unresponsive(ROOM, "bob")
    known_methods.left(ROOM, "bob")
    assert not known_methods.is_unresponsive(ROOM, "bob")


def test_method_limit(known_methods: KnownMethods, tracker: CallTracker) -> None:
    for number in range(MAX_METHODS + 5):
        feed(tracker, ("alice", request(method=str(number))), ("bob", response()))
    assert len(known_methods.of(ROOM, "bob")) == MAX_METHODS
    known_methods.announce(ROOM, "bob", map(str, range(MAX_METHODS + 5)))
    assert len(known_methods.of(ROOM, "bob")) == MAX_METHODS
