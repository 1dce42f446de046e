"""`ReturningPeers`: participants missing after our own full reconnect."""

from __future__ import annotations

from livekit.rpc.returning_peers import ReturningPeers


def test_the_wait_starts_when_we_are_online() -> None:
    peers = ReturningPeers(3.5)
    peers.add("bob")
    assert peers.remaining("bob", 100.0) > 3.5
    peers.set_online(True, 110.0)
    assert [peers.remaining("bob", now) for now in (110.0, 112.0, 113.5, 120.0)] == [3.5, 1.5, 0.0, 0.0]
    assert peers.remaining("carol", 110.0) == 0.0


def test_a_peer_that_is_listed_or_left_is_not_expected() -> None:
    peers = ReturningPeers(3.5)
    peers.add("bob")
    peers.set_online(True, 100.0)
    peers.discard("bob")
    peers.discard("carol")
    assert peers.remaining("bob", 100.0) == 0.0


def test_an_outage_within_the_wait_restarts_it() -> None:
    peers = ReturningPeers(3.5)
    peers.add("bob")
    peers.set_online(True, 100.0)
    peers.set_online(False, 103.0)
    peers.set_online(True, 110.0)
    assert peers.remaining("bob", 110.0) == 3.5
    peers.set_online(False, 120.0)
    peers.set_online(True, 130.0)
    assert (peers.remaining("bob", 130.0), len(peers)) == (0.0, 0), "expired peers are forgotten"
