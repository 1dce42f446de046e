"""The shared `token` method."""

from __future__ import annotations

import pytest

from livekit.server.auth import TokenAuthority
from livekit.server.permissions import Grants
from livekit.server.token_source import TokenSource

SECRET = "a-secret-that-is-long-enough-for-hs256"


class Source(TokenSource):
    api_key = "key"
    api_secret = SECRET


def verify(token: str) -> Grants:
    return TokenAuthority({"key": SECRET}).verify(token)


def test_token_permits_joining_the_room() -> None:
    token = Source().token("alice", room="demo", name="A", metadata="m", attributes={"k": "v"}, kind="agent")
    grants = verify(token)
    assert (grants.identity, grants.room, grants.room_join) == ("alice", "demo", True)
    assert (grants.name, grants.metadata, grants.attributes, grants.kind) == ("A", "m", {"k": "v"}, "AGENT")


@pytest.mark.parametrize(("room", "expected"), [(None, "lobby"), ("demo", "demo"), ("", "")])
def test_default_room_applies_without_an_explicit_room(room: str | None, expected: str) -> None:
    source = Source()
    source._default_room = "lobby"
    assert verify(source.token("alice", room=room)).room == expected
    assert verify(Source().token("alice")).room == ""


def test_grants_are_added_or_replaced() -> None:
    grants = verify(Source().token("alice", room_admin=True, room_join=False, can_publish_data=False))
    assert (grants.room_admin, grants.room_join, grants.permission.can_publish_data) == (True, False, False)
