from __future__ import annotations

import pytest

from livekit.engine.region_urls import RegionUrls
from livekit.errors import ConnectError

HOME = "wss://home.example"


def tried_servers(regions: RegionUrls, steps: int) -> list[str]:
    """Return the hosts tried in this many attempts if all are unreachable."""
    tried: list[str] = []
    for _ in range(steps):
        tried.append(str(regions.server.host))
        regions.next_region()
    return tried


def test_users_url_and_token_are_used_first() -> None:
    regions = RegionUrls("https://home.example", "user")
    assert (str(regions.server), regions.token) == (HOME, "user")
    assert tried_servers(regions, 2) == ["home.example"] * 2
    with pytest.raises(ConnectError):
        RegionUrls("home", "user")


def test_rejected_token_falls_back_to_the_users() -> None:
    regions = RegionUrls(HOME, "user")
    for token in ("second", "", "third"):
        regions.refresh_token(token)
    assert regions.token == "third"
    assert regions.revert_token()
    assert regions.token == "user"
    assert not regions.revert_token()


def test_regions_are_tried_round_robin() -> None:
    regions = RegionUrls(HOME, "user")
    regions.update_regions(["wss://a.example", "wss://b.example", "wss://a.example"])
    assert tried_servers(regions, 4) == ["home.example", "a.example", "b.example", "home.example"]


def test_new_regions_replace_all_but_the_current_server() -> None:
    regions = RegionUrls(HOME, "user")
    regions.update_regions(["wss://a.example", "wss://b.example"])
    regions.next_region()
    regions.update_regions(["wss://c.example"])
    assert tried_servers(regions, 3) == ["a.example", "c.example", "home.example"]
    regions.update_regions([])
    assert tried_servers(regions, 3) == ["a.example", "c.example", "home.example"]


def test_unencrypted_regions_are_ignored() -> None:
    regions = RegionUrls(HOME, "user")
    regions.update_regions(["ws://a.example", "no url", "", "https://b.example"])
    assert tried_servers(regions, 2) == ["home.example", "b.example"]
