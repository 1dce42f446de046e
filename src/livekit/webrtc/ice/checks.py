"""Connectivity and consent checks in flight: Binding requests, their retransmission and matching of responses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from .candidate import candidate_priority
from .checklist import CandidatePair
from .stun import Address, Attribute, MessageClass, StunMessage

__all__ = ["Check", "Checks", "Transmit"]

INITIAL_RTO = 0.1
"""Seconds until a check is first retransmitted, doubled each time up to `MAX_RTO`.

Shorter than RFC 8445 section 14.3 recommends: the packet is small, and the first is often lost because the peer is not
ready yet.
"""
MAX_RTO = 1.6
CONSENT_RTO = 0.25
"""Seconds between transmissions of an unanswered consent check."""
MAX_TRANSMISSIONS = 8


@dataclass(frozen=True, slots=True)
class Transmit:
    """A datagram to send from `socket` to `address`."""

    socket: object
    address: Address
    data: bytes


@dataclass(eq=False, slots=True)
class Check:
    """A Binding request in flight."""

    pair: CandidatePair
    data: bytes
    controlling: bool
    """The local role when the request was first sent."""
    nominating: bool
    is_consent: bool
    sent_at: float
    retransmit_at: float
    transmissions: int = 1


class Checks:
    """The STUN client transactions of one agent."""

    def __init__(self, transmit: Callable[[Transmit], None]) -> None:
        self.tie_breaker = secrets.randbits(64)
        self._transmit = transmit
        self._in_flight: dict[bytes, Check] = {}

    def start(
        self, pair: CandidatePair, now: float, *, controlling: bool, nominating: bool = False, is_consent: bool = False
    ) -> None:
        """Send a check (RFC 8445 section 7.2.4). Does nothing until the peer's credentials are known."""
        remote = pair.checklist.remote_credentials
        if remote is None:
            return
        request = StunMessage(MessageClass.REQUEST)
        request.attributes[Attribute.USERNAME] = f"{remote.ufrag}:{pair.checklist.local_credentials.ufrag}".encode()
        request.set_integer(Attribute.PRIORITY, candidate_priority("prflx"), 4)
        role = Attribute.ICE_CONTROLLING if controlling else Attribute.ICE_CONTROLLED
        request.set_integer(role, self.tie_breaker, 8)
        if controlling and (nominating or (is_consent and pair.nominated)):
            request.attributes[Attribute.USE_CANDIDATE] = b""
        data = request.encode(remote.password.encode())
        retransmit_at = now + (CONSENT_RTO if is_consent else INITIAL_RTO)
        check = Check(pair, data, controlling, nominating, is_consent, now, retransmit_at)
        self._in_flight[request.transaction_id] = check
        self._transmit(Transmit(pair.socket, pair.address, data))

    def match_response(self, message: StunMessage, socket: object) -> Check | None:
        """End and return the check that `message` answers.

        None if the transaction is unknown, the response arrived on another socket, or MESSAGE-INTEGRITY is wrong.
        """
        check = self._in_flight.get(message.transaction_id)
        if check is None or check.pair.socket != socket:
            return None
        remote = check.pair.checklist.remote_credentials
        if remote is None or not message.has_integrity(remote.password.encode()):
            return None
        return self._in_flight.pop(message.transaction_id)

    def retransmit(self, now: float) -> list[Check]:
        """Retransmit the checks that are due; end and return those that have been sent `MAX_TRANSMISSIONS` times."""
        timed_out: list[Check] = []
        for transaction_id, check in list(self._in_flight.items()):
            if check.retransmit_at > now:
                continue
            if check.transmissions >= MAX_TRANSMISSIONS:
                del self._in_flight[transaction_id]
                timed_out.append(check)
                continue
            rto = CONSENT_RTO if check.is_consent else min(INITIAL_RTO * 2**check.transmissions, MAX_RTO)
            check.retransmit_at = now + rto
            check.transmissions += 1
            self._transmit(Transmit(check.pair.socket, check.pair.address, check.data))
        return timed_out

    def next_timer(self) -> float | None:
        """Return when the next retransmission or timeout is due."""
        return min((check.retransmit_at for check in self._in_flight.values()), default=None)

    def is_checking(self, pair: CandidatePair) -> bool:
        """Return True if a check of `pair` is in flight."""
        return any(check.pair is pair for check in self._in_flight.values())

    @property
    def is_nominating(self) -> bool:
        """True if a nominating check is in flight."""
        return any(check.nominating for check in self._in_flight.values())

    def cancel(self, condition: Callable[[Check], bool]) -> None:
        """Stop retransmitting the checks that meet `condition` and ignore their responses."""
        self._in_flight = {t: check for t, check in self._in_flight.items() if not condition(check)}
