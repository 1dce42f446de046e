"""Candidate pairs for tests of single modules."""

from __future__ import annotations

from livekit.webrtc.ice import Candidate, CandidatePair, Credentials
from livekit.webrtc.ice.checklist import Checklist, LocalCandidate

LOCAL = LocalCandidate(socket="socket", candidate=Candidate.local("host", ("10.0.0.1", 4000), preference=65_535))
REMOTE = Candidate.local("host", ("10.0.0.2", 5000), preference=65_535)
REMOTE_CREDENTIALS = Credentials(ufrag="them", password="secret")


def make_pair(*, signaled: bool = True) -> CandidatePair:
    """Return the only pair of a new checklist, which has the peer's credentials if `signaled`."""
    checklist = Checklist(Credentials.generate(), REMOTE_CREDENTIALS if signaled else None)
    return checklist.pair_for(LOCAL, REMOTE)
