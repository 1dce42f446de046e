"""Candidate pairs of one generation of ICE credentials (RFC 8445 section 6.1.2).

A restart begins a new generation; the old one lives on until the new one has a path (RFC 8445 section 9).
"""

from __future__ import annotations

import enum
import math
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from .candidate import Candidate
from .stun import Address, Attribute, StunMessage

__all__ = ["Credentials", "Generation", "LocalPath", "Pair", "PairState"]

ICE_CHARS = string.ascii_letters + string.digits
MAX_REMOTE_CANDIDATES = 64
"""Of one generation; more are ignored, so that a peer cannot make us send without end (RFC 8445 section 19.5.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """User fragment and password of one side (RFC 8839 section 5.4)."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def generate(cls) -> Credentials:
        return cls(ufrag=_random_text(8), password=_random_text(24))


def _random_text(length: int) -> str:
    return "".join(secrets.choice(ICE_CHARS) for _ in range(length))


class PairState(enum.Enum):
    """RFC 8445 section 6.1.2.6; FROZEN is not needed with one component."""

    WAITING = "waiting"
    IN_PROGRESS = "in-progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPath:
    """A local candidate and what datagrams are sent through from there."""

    path: object
    candidate: Candidate
    only: Address | None = None
    """The single address it reaches, where it is a connection."""

    def reaches(self, remote: Candidate) -> bool:
        if self.only is not None:
            return self.only == remote.address
        return self.candidate.transport == remote.transport and self.candidate.ip_version == remote.ip_version


@dataclass(eq=False, slots=True)
class Pair:
    """A way to the peer: from `local` to `remote`."""

    generation: Generation = field(repr=False)
    local: LocalPath
    remote: Candidate
    state: PairState = PairState.WAITING
    nominated: bool = False
    nominate_when_valid: bool = False
    """We are controlled and the peer nominated the pair before our own check succeeded (RFC 8445 section 7.3.1.5)."""
    confirmed_at: float = -math.inf
    """When the peer last answered on it."""

    @property
    def path(self) -> object:
        return self.local.path

    @property
    def address(self) -> Address:
        return self.remote.address

    def fail(self) -> None:
        self.state = PairState.FAILED
        self.nominated = False

    def priority(self, controlling: bool) -> int:
        """RFC 8445 section 6.1.2.3."""
        ours, theirs = self.local.candidate.priority, self.remote.priority
        g, d = (ours, theirs) if controlling else (theirs, ours)
        return (min(g, d) << 32) + 2 * max(g, d) + (g > d)


@dataclass(eq=False, slots=True)
class Generation:
    """One pair of credentials and the candidate pairs checked with them."""

    local: Credentials
    remote: Credentials | None = None
    remotes: list[Candidate] = field(default_factory=list[Candidate])
    pairs: dict[tuple[object, Address], Pair] = field(default_factory=dict[tuple[object, Address], Pair])

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs.values())

    def authenticates(self, request: StunMessage) -> bool:
        """Whether a request names this generation and is signed with its password (RFC 8445 section 7.3)."""
        ours, _, theirs = request.attributes.get(Attribute.USERNAME, b"").partition(b":")
        if ours != self.local.ufrag.encode() or (self.remote is not None and theirs != self.remote.ufrag.encode()):
            return False
        return request.is_signed_by(self.local.password.encode())

    @property
    def is_nominated(self) -> bool:
        return any(pair.nominated for pair in self)

    def in_state(self, state: PairState) -> list[Pair]:
        return [pair for pair in self if pair.state is state]

    def pair_for(self, local: LocalPath, remote: Candidate) -> Pair:
        """The pair of these two, made if it is new."""
        key = (local.path, remote.address)
        pair = self.pairs.get(key)
        if pair is None:
            pair = self.pairs[key] = Pair(self, local, remote)
        return pair

    def add_remote(self, candidate: Candidate) -> bool:
        """Whether the candidate is new and was taken."""
        known = any(c.address == candidate.address and c.transport == candidate.transport for c in self.remotes)
        if known or len(self.remotes) >= MAX_REMOTE_CANDIDATES:
            return False
        self.remotes.append(candidate)
        return True
