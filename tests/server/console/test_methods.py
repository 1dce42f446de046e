"""What is known of the methods of participants."""

from __future__ import annotations

import pytest

from livekit.server.console.call_tracker import CallTracker
from livekit.server.console.methods import MAX_METHODS, MethodBook
from tests.server.console.packets import ROOM, failure, feed, request, response


@pytest.fixture
def book() -> MethodBook:
    return MethodBook()


@pytest.fixture
def watch(book: MethodBook) -> CallTracker:
    return CallTracker(book.learn)


def test_an_answer_shows_that_the_method_is_there(book: MethodBook, watch: CallTracker) -> None:
    feed(watch, ("alice", request(method="b")), ("bob", response()))
    feed(watch, ("alice", request(method="a")), ("bob", response()))
    assert book.of(ROOM, "bob") == ["a", "b"]
    assert book.of("other", "bob") == book.of(ROOM, "alice") == []


@pytest.mark.parametrize(
    ("code", "known"),
    [(2001, True), (1500, True), (1504, True), (1400, False), (1402, False), (1502, False), (1503, False)],
)
def test_what_errors_show(book: MethodBook, watch: CallTracker, code: int, known: bool) -> None:
    feed(watch, ("alice", request()), ("bob", failure(code=code)))
    assert book.of(ROOM, "bob") == (["add"] if known else [])


def test_a_method_that_is_gone_is_forgotten(book: MethodBook, watch: CallTracker) -> None:
    feed(watch, ("alice", request()), ("bob", response()), ("alice", request()), ("bob", failure(code=1400)))
    assert book.of(ROOM, "bob") == []


def test_who_tells_its_methods_has_no_others(book: MethodBook, watch: CallTracker) -> None:
    feed(watch, ("alice", request(method="old")), ("bob", response()))
    assert not book.is_told(ROOM, "bob")
    book.told(ROOM, "bob", ["z", "y"])
    assert book.is_told(ROOM, "bob")
    assert book.of(ROOM, "bob") == ["y", "z"]
    book.left(ROOM, "bob")
    assert book.of(ROOM, "bob") == []


def test_who_says_nothing_is_not_asked_again(book: MethodBook) -> None:
    book.silent(ROOM, "bob")
    assert book.is_silent(ROOM, "bob")
    book.left(ROOM, "bob")
    assert not book.is_silent(ROOM, "bob")


def test_so_many_and_no_more(book: MethodBook, watch: CallTracker) -> None:
    for number in range(MAX_METHODS + 5):
        feed(watch, ("alice", request(method=str(number))), ("bob", response()))
    assert len(book.of(ROOM, "bob")) == MAX_METHODS
    book.told(ROOM, "bob", map(str, range(MAX_METHODS + 5)))
    assert len(book.of(ROOM, "bob")) == MAX_METHODS
