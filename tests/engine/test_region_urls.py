from __future__ import annotations

import pytest

from livekit.engine.region_urls import RegionUrls
from livekit.errors import ConnectError

HOME = "wss://home.example"


def tour(regions: RegionUrls, steps: int) -> list[str]:
    """The servers tried one after another, each of which is unreachable."""
    tried: list[str] = []
    for _ in range(steps):
        tried.append(str(regions.server.host))
        regions.next_region()
    return tried


def test_what_the_user_gave_comes_first() -> None:
    regions = RegionUrls("https://home.example", "given")
    assert (str(regions.server), regions.token) == (HOME, "given")
    assert tour(regions, 2) == ["home.example"] * 2
    with pytest.raises(ConnectError):
        RegionUrls("home", "given")


def test_the_newest_token_is_used_and_the_given_one_where_that_is_refused() -> None:
    regions = RegionUrls(HOME, "given")
    for token in ("second", "", "third"):
        regions.refresh_token(token)
    assert regions.token == "third"
    assert regions.revert_token()
    assert regions.token == "given"
    assert not regions.revert_token()


def test_other_servers_are_tried_in_turn() -> None:
    regions = RegionUrls(HOME, "given")
    regions.update_regions(["wss://a.example", "wss://b.example", "wss://a.example"])
    assert tour(regions, 4) == ["home.example", "a.example", "b.example", "home.example"]


def test_new_names_replace_those_that_are_not_in_use() -> None:
    regions = RegionUrls(HOME, "given")
    regions.update_regions(["wss://a.example", "wss://b.example"])
    regions.next_region()
    regions.update_regions(["wss://c.example"])
    assert tour(regions, 3) == ["a.example", "c.example", "home.example"]
    regions.update_regions([])
    assert tour(regions, 3) == ["a.example", "c.example", "home.example"]


def test_the_token_is_not_given_away_in_the_clear() -> None:
    regions = RegionUrls(HOME, "given")
    regions.update_regions(["ws://a.example", "no url", "", "https://b.example"])
    assert tour(regions, 2) == ["home.example", "b.example"]
