from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.ice import Candidate, CandidateError

OBSERVED = [
    "candidate:2988416341 1 udp 2122260223 192.0.2.7 40328 typ host generation 0 ufrag QbCv network-id 1",
    "candidate:1 1 UDP 1686052607 203.0.113.9 61764 typ srflx raddr 192.0.2.7 rport 40328",
    "candidate:3 1 tcp 1671430143 192.0.2.7 7881 typ host tcptype passive",
    "candidate:4 1 udp 33562367 2001:db8::1 50000 typ relay raddr :: rport 9",
    "candidate:5 1 udp 2113937151 0d32cbc9-1b1f-4c5e-9a5a-0a3b3c3e9f55.local 51234 typ host",
]


@pytest.mark.parametrize("line", OBSERVED)
def test_observed_candidates_round_trip(line: str) -> None:
    candidate = Candidate.parse(line)
    assert Candidate.parse(str(candidate)) == candidate
    assert Candidate.parse("a=" + line) == candidate
    assert Candidate.from_init(candidate.to_init("0", 0, "u")) == candidate


def test_extension_fields() -> None:
    reflexive = Candidate.parse(OBSERVED[1])
    assert (reflexive.transport, reflexive.kind, reflexive.related) == ("udp", "srflx", ("192.0.2.7", 40328))
    assert Candidate.parse(OBSERVED[0]).ufrag == "QbCv"
    assert Candidate.parse(OBSERVED[2]).tcp_type == "passive"
    assert Candidate.parse(OBSERVED[3]).ip_version == 6
    assert Candidate.parse(OBSERVED[4]).ip_version is None


def test_ipv6_addresses_are_canonical() -> None:
    one = Candidate.parse("1 1 udp 1 2001:DB8:0:0::1 5 typ host")
    assert one.address == ("2001:db8::1", 5)


def test_type_preferences_order_host_srflx_relay() -> None:
    kinds = [
        Candidate.local("host", ("10.0.0.1", 1), preference=0),
        Candidate.local("srflx", ("10.0.0.2", 1), preference=65_535, related=("10.0.0.1", 1)),
        Candidate.local("relay", ("10.0.0.3", 1), preference=65_535),
    ]
    assert sorted(kinds, key=lambda c: -c.priority) == kinds


@pytest.mark.parametrize(
    "line",
    [
        "",
        "candidate:1 1 udp 1 10.0.0.1 5",
        "candidate:1 x udp 1 10.0.0.1 5 typ host",
        "candidate:1 1 udp 1 10.0.0.1 99999 typ host",
        "candidate:1 1 udp -1 10.0.0.1 5 typ host",
        "candidate:1 1 udp 1 10.0.0.1 5 typ unknown",
        "candidate:1 1 udp 1 10.0.0.1 5 host typ",
    ],
)
def test_malformed_candidates_are_rejected(line: str) -> None:
    with pytest.raises(CandidateError):
        Candidate.parse(line)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", '{"candidate": 1}', "[" * 100_000])
def test_malformed_inits_are_rejected(text: str) -> None:
    with pytest.raises(CandidateError):
        Candidate.from_init(text)


def test_empty_candidate_means_end_of_candidates() -> None:
    assert Candidate.from_init(json.dumps({"candidate": ""})) is None


@given(st.text(max_size=120) | st.text(max_size=60).map(lambda tail: OBSERVED[0][:40] + tail))
def test_any_text_parses_or_raises_candidate_error(text: str) -> None:
    try:
        candidate = Candidate.parse(text)
    except CandidateError:
        return
    assert Candidate.parse(str(candidate)).address == candidate.address
