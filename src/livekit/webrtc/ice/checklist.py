"""The checklist: candidate pairs and the credentials they are checked with (RFC 8445 section 6.1.2).

An ICE restart starts a new checklist; the old one remains in use until the new one has a nominated pair (RFC 8445
section 9).
"""

from __future__ import annotations

import enum
import math
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from .candidate import Candidate, candidate_priority
from .stun import Address, Attribute, StunMessage

__all__ = ["CandidatePair", "Checklist", "Credentials", "LocalCandidate", "PairState"]

ICE_CHARS = string.ascii_letters + string.digits
MAX_REMOTE_CANDIDATES = 64
"""Limit per checklist; further candidates are ignored. Protects against ICE amplification (RFC 8445 section 19.5.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """ICE username fragment and password of one agent (RFC 8839 section 5.4)."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def generate(cls) -> Credentials:
        """Return random credentials."""
        return cls(ufrag=_random_text(8), password=_random_text(24))


def _random_text(length: int) -> str:
    return "".join(secrets.choice(ICE_CHARS) for _ in range(length))


class PairState(enum.Enum):
    """Candidate pair states of RFC 8445 section 6.1.2.6. With a single component no pair is ever Frozen."""

    WAITING = "waiting"
    IN_PROGRESS = "in-progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCandidate:
    """A local candidate that is its own base, and its socket."""

    socket: object
    """Opaque to the agent; returned in :class:`~livekit.webrtc.ice.Transmit`."""
    candidate: Candidate
    connected_to: Address | None = None
    """The only remote address that a TCP connection reaches; None for UDP."""

    def can_pair_with(self, remote: Candidate) -> bool:
        """Return True if `remote` has the same transport and address family (RFC 8445 section 6.1.2.2)."""
        if self.candidate.transport != remote.transport:
            return False
        if self.connected_to is not None:
            return self.connected_to == remote.address
        return self.candidate.ip_version == remote.ip_version


@dataclass(eq=False, slots=True)
class CandidatePair:
    """A local and a remote candidate."""

    checklist: Checklist = field(repr=False)
    local: LocalCandidate
    remote: Candidate
    state: PairState = PairState.WAITING
    nominated: bool = False
    nominate_on_success: bool = False
    """The controlling peer nominated the pair before the local check succeeded (RFC 8445 section 7.3.1.5)."""
    last_response_at: float = -math.inf
    """Time of the last successful check of this pair."""

    @property
    def socket(self) -> object:
        return self.local.socket

    @property
    def address(self) -> Address:
        return self.remote.address

    def fail(self) -> None:
        self.state = PairState.FAILED
        self.nominated = False

    def priority(self, controlling: bool) -> int:
        """Return the pair priority (RFC 8445 section 6.1.2.3)."""
        local, remote = self.local.candidate.priority, self.remote.priority
        g, d = (local, remote) if controlling else (remote, local)
        return (min(g, d) << 32) + 2 * max(g, d) + (g > d)


@dataclass(eq=False, slots=True)
class Checklist:
    """The candidate pairs of one pair of credentials."""

    local_credentials: Credentials
    remote_credentials: Credentials | None = None
    remote_candidates: list[Candidate] = field(default_factory=list[Candidate])
    pairs: dict[tuple[object, Address], CandidatePair] = field(
        default_factory=dict[tuple[object, Address], CandidatePair]
    )
    """Pairs by local socket and remote address."""

    def __iter__(self) -> Iterator[CandidatePair]:
        return iter(self.pairs.values())

    def authenticates(self, request: StunMessage) -> bool:
        """Return True if USERNAME and MESSAGE-INTEGRITY match these credentials (RFC 8445 section 7.3)."""
        local, _, remote = request.attributes.get(Attribute.USERNAME, b"").partition(b":")
        if local != self.local_credentials.ufrag.encode():
            return False
        if self.remote_credentials is not None and remote != self.remote_credentials.ufrag.encode():
            return False
        return request.has_integrity(self.local_credentials.password.encode())

    @property
    def has_nominated_pair(self) -> bool:
        return any(pair.nominated for pair in self)

    def in_state(self, state: PairState) -> list[CandidatePair]:
        """Return the pairs in `state`."""
        return [pair for pair in self if pair.state is state]

    def pair_for(self, local: LocalCandidate, remote: Candidate) -> CandidatePair:
        """Return the pair of these candidates, adding it if needed."""
        key = (local.socket, remote.address)
        pair = self.pairs.get(key)
        if pair is None:
            pair = self.pairs[key] = CandidatePair(self, local, remote)
        return pair

    def pair_at(self, local: LocalCandidate, address: Address, priority: int | None) -> CandidatePair | None:
        """Return the pair of `local` and a remote address; None if the list of remote candidates is full.

        An unknown address becomes a peer-reflexive candidate of this priority (RFC 8445 section 7.3.1.3).
        """
        pair = self.pairs.get((local.socket, address))
        if pair is not None:
            return pair
        host, port = address
        transport = local.candidate.transport
        remote = self._remote_candidate(address, transport)
        if remote is None:
            priority = (priority or candidate_priority("prflx")) & 0xFFFFFFFF
            remote = Candidate(host=host, port=port, kind="prflx", priority=priority, transport=transport)
            if not self.add_remote_candidate(remote):
                return None
        return self.pair_for(local, remote)

    def add_remote_candidate(self, candidate: Candidate) -> bool:
        """Add a remote candidate. Return False if it is redundant or the list is full."""
        is_known = self._remote_candidate(candidate.address, candidate.transport) is not None
        if is_known or len(self.remote_candidates) >= MAX_REMOTE_CANDIDATES:
            return False
        self.remote_candidates.append(candidate)
        return True

    def _remote_candidate(self, address: Address, transport: str) -> Candidate | None:
        return next((c for c in self.remote_candidates if c.address == address and c.transport == transport), None)
