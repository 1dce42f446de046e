"""ICE (RFC 8445, 8838, 7675) without I/O and without a clock."""

from __future__ import annotations

from .agent import IceAgent, IceState, Transmit
from .candidate import Candidate, CandidateError
from .checklist import Credentials, Pair
from .stun import Address, StunError

__all__ = [
    "Address",
    "Candidate",
    "CandidateError",
    "Credentials",
    "IceAgent",
    "IceState",
    "Pair",
    "StunError",
    "Transmit",
]
