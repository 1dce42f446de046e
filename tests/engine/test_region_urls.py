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


def test_users_url_and_token_are_used_first() -> None:
    regions = RegionUrls("https://home.example", "given")
    assert (str(regions.server), regions.token) == (HOME, "given")
    assert tour(regions, 2) == ["home.example"] * 2
    with pytest.raises(ConnectError):
        RegionUrls("home", "given")


def test_rejected_token_falls_back_to_the_users() -> None:
    regions = RegionUrls(HOME, "given")
    for token in ("second", "", "third"):
        regions.refresh_token(token)
    assert regions.token == "third"
    assert regions.revert_token()
    assert regions.token == "given"
    assert not regions.revert_token()


def test_regions_are_tried_round_robin() -> None:
    regions = RegionUrls(HOME, "given")
    regions.update_regions(["wss://a.example", "wss://b.example", "wss://a.example"])
    assert tour(regions, 4) == ["home.example", "a.example", "b.example", "home.example"]


def test_new_regions_replace_all_but_the_current_server() -> None:
    regions = RegionUrls(HOME, "given")
    regions.update_regions(["wss://a.example", "wss://b.example"])
    regions.next_region()
    regions.update_regions(["wss://c.example"])
    assert tour(regions, 3) == ["a.example", "c.example", "home.example"]
    regions.update_regions([])
    assert tour(regions, 3) == ["a.example", "c.example", "home.example"]


def test_unencrypted_regions_are_ignored() -> None:
    regions = RegionUrls(HOME, "given")
    regions.update_regions(["ws://a.example", "no url", "", "https://b.example"])
    assert tour(regions, 2) == ["home.example", "b.example"]
