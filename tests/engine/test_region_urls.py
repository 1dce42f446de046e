from __future__ import annotations

import pytest

from livekit.engine.region_urls import RegionUrls
from livekit.errors import ConnectError

HOME = "wss://home.example"


def tour(access: RegionUrls, steps: int) -> list[str]:
    """The servers tried one after another, each of which is unreachable."""
    tried: list[str] = []
    for _ in range(steps):
        tried.append(str(access.server.host))
        access.server_unreachable()
    return tried


def test_what_the_user_gave_comes_first() -> None:
    access = RegionUrls("https://home.example", "given")
    assert (str(access.server), access.token) == (HOME, "given")
    assert tour(access, 2) == ["home.example"] * 2
    with pytest.raises(ConnectError):
        RegionUrls("home", "given")


def test_the_newest_token_is_used_and_the_given_one_where_that_is_refused() -> None:
    access = RegionUrls(HOME, "given")
    for token in ("second", "", "third"):
        access.token_refreshed(token)
    assert access.token == "third"
    assert access.token_refused()
    assert access.token == "given"
    assert not access.token_refused()


def test_other_servers_are_tried_in_turn() -> None:
    access = RegionUrls(HOME, "given")
    access.servers_named(["wss://a.example", "wss://b.example", "wss://a.example"])
    assert tour(access, 4) == ["home.example", "a.example", "b.example", "home.example"]


def test_new_names_replace_those_that_are_not_in_use() -> None:
    access = RegionUrls(HOME, "given")
    access.servers_named(["wss://a.example", "wss://b.example"])
    access.server_unreachable()
    access.servers_named(["wss://c.example"])
    assert tour(access, 3) == ["a.example", "c.example", "home.example"]
    access.servers_named([])
    assert tour(access, 3) == ["a.example", "c.example", "home.example"]


def test_the_token_is_not_given_away_in_the_clear() -> None:
    access = RegionUrls(HOME, "given")
    access.servers_named(["ws://a.example", "no url", "", "https://b.example"])
    assert tour(access, 2) == ["home.example", "b.example"]
