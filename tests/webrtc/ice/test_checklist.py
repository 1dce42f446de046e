"""Candidate pairs and their credentials (RFC 8445 section 6.1.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livekit.webrtc.ice import Candidate, Credentials
from livekit.webrtc.ice.checklist import ICE_CHARS, MAX_REMOTE_CANDIDATES, Checklist, LocalCandidate, PairState
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage, parse_stun
from tests.webrtc.ice.pairs import LOCAL, REMOTE, REMOTE_CREDENTIALS, make_pair


def test_generated_credentials_meet_the_minimum_of_rfc_8839() -> None:
    """Section 5.4: 4 characters of ufrag, 22 of password, all of them ice-char."""
    one, other = Credentials.generate(), Credentials.generate()
    assert one != other
    assert len(one.ufrag) >= 4
    assert len(one.password) >= 22
    assert set(one.ufrag + one.password) <= set(ICE_CHARS)
    assert one.password not in repr(one)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        (Candidate(host="10.0.0.9", port=1, kind="host", priority=1), True),
        (Candidate(host="10.0.0.9", port=1, kind="host", priority=1, transport="tcp"), False),
        (Candidate(host="2001:db8::1", port=1, kind="host", priority=1), False),
    ],
    ids=["same", "tcp", "family"],
)
def test_pairs_have_one_transport_and_address_family(remote: Candidate, expected: bool) -> None:
    """RFC 8445 section 6.1.2.2."""
    assert LOCAL.can_pair_with(remote) is expected


def test_tcp_connection_pairs_with_its_remote_candidate_only() -> None:
    remote = Candidate(host="10.0.0.9", port=7881, kind="host", priority=1, transport="tcp", tcp_type="passive")
    candidate = replace(LOCAL.candidate, transport="tcp")
    local = LocalCandidate(socket="tcp", candidate=candidate, connected_to=remote.address)
    assert local.can_pair_with(remote)
    assert not local.can_pair_with(REMOTE)


def test_pair_priority() -> None:
    """RFC 8445 section 6.1.2.3: 2^32 * MIN(G,D) + 2 * MAX(G,D) + (G > D ? 1 : 0)."""
    local = LocalCandidate(socket=1, candidate=Candidate(host="10.0.0.1", port=1, kind="host", priority=300))
    pair = Checklist(Credentials.generate()).pair_for(
        local, Candidate(host="10.0.0.2", port=1, kind="host", priority=5)
    )
    assert pair.priority(controlling=True) == (5 << 32) + 600 + 1
    assert pair.priority(controlling=False) == (5 << 32) + 600


def test_pairs_are_unique_per_socket_and_remote_address() -> None:
    checklist = Checklist(Credentials.generate())
    pair = checklist.pair_for(LOCAL, REMOTE)
    assert checklist.pair_for(LOCAL, REMOTE) is pair
    assert (pair.socket, pair.address) == (LOCAL.socket, REMOTE.address)
    assert list(checklist) == [pair]


def test_unknown_address_becomes_a_peer_reflexive_candidate() -> None:
    """RFC 8445 section 7.3.1.3; the address of a candidate that is known does not."""
    checklist = Checklist(Credentials.generate())
    pair = checklist.pair_at(LOCAL, ("10.0.0.9", 9), 77)
    assert pair is not None
    assert (pair.remote.kind, pair.address, pair.remote.priority) == ("prflx", ("10.0.0.9", 9), 77)
    assert checklist.pair_at(LOCAL, ("10.0.0.9", 9), 78) is pair
    checklist.add_remote_candidate(REMOTE)
    known = checklist.pair_at(LOCAL, REMOTE.address, 77)
    assert known is not None
    assert known.remote is REMOTE
    for port in range(1, MAX_REMOTE_CANDIDATES - 1):
        assert checklist.pair_at(LOCAL, ("10.0.0.3", port), None) is not None
    assert checklist.pair_at(LOCAL, ("10.0.0.4", 1), None) is None
    assert len(checklist.remote_candidates) == MAX_REMOTE_CANDIDATES


def test_pair_states() -> None:
    pair = make_pair()
    pair.nominated = True
    assert pair.checklist.in_state(PairState.WAITING) == [pair]
    assert pair.checklist.has_nominated_pair
    pair.fail()
    assert pair.checklist.in_state(PairState.WAITING) == []
    assert pair.checklist.in_state(PairState.FAILED) == [pair]
    assert not pair.checklist.has_nominated_pair


def test_redundant_and_excess_remote_candidates_are_rejected() -> None:
    checklist = Checklist(Credentials.generate())
    assert checklist.add_remote_candidate(REMOTE)
    assert not checklist.add_remote_candidate(REMOTE)
    for port in range(1, MAX_REMOTE_CANDIDATES):
        assert checklist.add_remote_candidate(Candidate.local("host", ("10.0.0.3", port), preference=1))
    assert not checklist.add_remote_candidate(Candidate.local("host", ("10.0.0.4", 1), preference=1))
    assert len(checklist.remote_candidates) == MAX_REMOTE_CANDIDATES


@pytest.mark.parametrize(
    ("signaled", "username", "password", "expected"),
    [
        (True, "{local}:them", "{password}", True),
        (True, "{local}:other", "{password}", False),
        (False, "{local}:other", "{password}", True),
        (True, "other:them", "{password}", False),
        (True, "{local}:them", "wrong", False),
    ],
    ids=["valid", "another peer", "peer not signaled yet", "another agent", "wrong password"],
)
def test_requests_are_authenticated(signaled: bool, username: str, password: str, expected: bool) -> None:
    """RFC 8445 section 7.3."""
    local = Credentials.generate()
    checklist = Checklist(local, REMOTE_CREDENTIALS if signaled else None)
    request = StunMessage(MessageClass.REQUEST)
    request.attributes[Attribute.USERNAME] = username.format(local=local.ufrag).encode()
    data = request.encode(password.format(password=local.password).encode())
    assert checklist.authenticates(parse_stun(data)) is expected
