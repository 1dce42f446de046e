"""The ICE agent: connectivity checks, nomination, consent freshness and restart for one component.

A pair is used as soon as it is valid (RFC 8445 section 12.1); nomination only settles which pair remains in use.
"""

from __future__ import annotations

import enum
import random

from .candidate import Candidate
from .checklist import CandidatePair, Checklist, Credentials, LocalCandidate, PairState
from .checks import Check, Checks, Transmit
from .consent import Consent
from .stun import BINDING, Address, Attribute, MessageClass, StunError, StunMessage, parse_stun

__all__ = ["IceAgent", "IceState"]

PACING = 0.005
"""Ta: seconds between new checks; the minimum of RFC 8445 section 14.2."""
NOMINATION_DELAY = 0.05
"""Seconds that the controlling agent waits for a better pair after the first valid one."""
CHECK_TIMEOUT = 15.0
"""Seconds from learning the peer's credentials to FAILED if no pair becomes valid."""


class IceState(enum.Enum):
    """State of the agent (W3C WebRTC 1.0, RTCIceTransportState)."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    """The peer has not responded for half the consent timeout."""
    FAILED = "failed"
    """No pair became valid, or consent expired (RFC 7675 section 5.1). A restart may recover."""


class IceAgent:
    """A full ICE agent with trickle (RFC 8838); regular nomination when controlling (RFC 8445 section 8.1.1).

    All times are seconds on a monotonic clock. After each call, look at `state`, `selected_pair`,
    `datagrams_to_send` and `next_timer`.
    """

    def __init__(self, *, controlling: bool, consent_timeout: float = 5.0, rng: random.Random | None = None) -> None:
        """`consent_timeout` is the seconds without a response until the state is FAILED."""
        self.controlling = controlling
        self.state = IceState.NEW
        self.selected_pair: CandidatePair | None = None
        self.round_trip_time: float | None = None
        """Seconds, measured by the last check of the selected pair that was answered at first transmission."""
        self.authenticated_addresses: set[Address] = set()
        """Remote addresses that have proved knowledge of the password; data is accepted from these only."""
        self._consent = Consent(consent_timeout, rng or random.Random())
        self._local_candidates: dict[object, LocalCandidate] = {}
        self._checklist = Checklist(Credentials.generate())
        self._previous_checklist: Checklist | None = None
        self._transmits: list[Transmit] = []
        self._checks = Checks(self._transmits.append)
        self._paced_check_at = 0.0
        self._checking_deadline: float | None = None
        self._nominate_at: float | None = None
        self._has_lost_pair = False
        """The socket of the selected pair has closed, and no other pair is selected yet."""
        self._timer_at: float | None = None

    # Signaling

    @property
    def credentials(self) -> Credentials:
        """The local credentials to signal to the peer."""
        return self._checklist.local_credentials

    @property
    def remote_credentials(self) -> Credentials | None:
        """The peer's credentials; None before `set_remote_credentials` and after `restart`."""
        return self._checklist.remote_credentials

    def add_local_candidate(
        self, candidate: Candidate, socket: object, now: float, *, connected_to: Address | None = None
    ) -> None:
        """Add a local candidate that is its own base: host, relay, or a TCP connection to `connected_to`.

        `socket` sends from it. Server-reflexive candidates are not added: they are redundant with their host
        candidate (RFC 8445 section 6.1.2.4).
        """
        local = LocalCandidate(socket=socket, candidate=candidate, connected_to=connected_to)
        self._local_candidates[socket] = local
        for remote in self._checklist.remote_candidates:
            if local.can_pair_with(remote):
                self._checklist.pair_for(local, remote)
        self._advance(now)

    def remove_socket(self, socket: object, now: float) -> None:
        """Fail all pairs of a socket that has closed.

        If the selected pair is among them, another one may take its place within the consent timeout.
        """
        if self.selected_pair is not None and self.selected_pair.socket == socket:
            self._has_lost_pair = True
            self._checking_deadline = self._consent.expiry(now)
        self._local_candidates.pop(socket, None)
        for pair in [*self._checklist, *(self._previous_checklist or ())]:
            if pair.socket == socket:
                pair.fail()
        self._advance(now)

    def set_remote_credentials(self, credentials: Credentials, now: float) -> None:
        """Set the peer's credentials and start checking. Ignored if they are set and no restart followed."""
        if self._checklist.remote_credentials is not None:
            return
        self._checklist.remote_credentials = credentials
        self._checking_deadline = now + CHECK_TIMEOUT
        self._advance(now)

    def add_remote_candidate(self, candidate: Candidate, now: float) -> None:
        """Add a candidate of the peer. Unusable ones are ignored: mDNS names, other components or ICE generations."""
        usable = candidate.component == 1 and candidate.port > 0 and candidate.ip_version is not None
        remote = self._checklist.remote_credentials
        is_stale = candidate.ufrag and remote and candidate.ufrag != remote.ufrag
        if not usable or is_stale or not self._checklist.add_remote_candidate(candidate):
            return
        for local in self._local_candidates.values():
            if local.can_pair_with(candidate):
                self._checklist.pair_for(local, candidate)
        self._advance(now)

    def restart(self, now: float) -> None:
        """Start over with new credentials (RFC 8445 section 9); data continues on the old pair meanwhile."""
        if self.selected_pair is None or self.selected_pair.checklist is self._checklist:
            self._previous_checklist = self._checklist
        self._checklist = Checklist(Credentials.generate())
        self._checking_deadline = self._nominate_at = None
        self._has_lost_pair = False
        if self.state is IceState.FAILED:
            self.state = IceState.CHECKING
        self._advance(now)

    # Datagrams

    def receive_datagram(self, data: bytes, socket: object, address: Address, now: float) -> None:
        """Process a STUN packet that `socket` received from `address`.

        Malformed and unauthenticated packets are dropped without a response.
        """
        if self.state is IceState.FAILED:
            return
        try:
            message = parse_stun(data)
        except StunError:
            return
        if message.method != BINDING or message.message_class is MessageClass.INDICATION:
            return
        if message.message_class is MessageClass.REQUEST:
            self._receive_request(message, socket, address, now)
        else:
            self._receive_response(message, socket, address, now)
        self._advance(now)

    def datagrams_to_send(self, now: float) -> list[Transmit]:
        """Return the STUN packets to send now, in order, and forget them."""
        transmits = self._transmits.copy()
        self._transmits.clear()
        return transmits

    def _receive_request(self, message: StunMessage, socket: object, address: Address, now: float) -> None:
        checklists = (self._checklist, self._previous_checklist)
        checklist = next((one for one in checklists if one is not None and one.authenticates(message)), None)
        local = self._local_candidates.get(socket)
        if checklist is None or local is None:
            return
        response = StunMessage(MessageClass.SUCCESS, message.method, message.transaction_id)
        if self._peer_must_switch_role(message):
            response.message_class = MessageClass.ERROR
            response.set_error(487, "Role Conflict")
        else:
            response.mapped_address = address
        password = checklist.local_credentials.password
        self._transmits.append(Transmit(socket, address, response.encode(password.encode())))
        if response.message_class is MessageClass.ERROR:
            return
        pair = checklist.pair_at(local, address, message.integer(Attribute.PRIORITY))
        if pair is not None:
            self.authenticated_addresses.add(address)
            self._trigger_check(pair, Attribute.USE_CANDIDATE in message.attributes, now)

    def _peer_must_switch_role(self, message: StunMessage) -> bool:
        """Resolve a role conflict (RFC 8445 section 7.3.1.1). Return True if the peer must switch; else switch here."""
        same_role = Attribute.ICE_CONTROLLING if self.controlling else Attribute.ICE_CONTROLLED
        remote_tie_breaker = message.integer(same_role)
        if remote_tie_breaker is None:
            return False
        keeps_role = (self._checks.tie_breaker >= remote_tie_breaker) == self.controlling
        if not keeps_role:
            self.controlling = not self.controlling
        return keeps_role

    def _trigger_check(self, pair: CandidatePair, use_candidate: bool, now: float) -> None:
        """Handle triggered checks and USE-CANDIDATE (RFC 8445 sections 7.3.1.4 and 7.3.1.5)."""
        nominated_by_peer = use_candidate and not self.controlling
        if pair.state is PairState.SUCCEEDED:
            pair.nominated = pair.nominated or nominated_by_peer
            needs_check = nominated_by_peer or self.state is IceState.DISCONNECTED
            if needs_check and pair is not self.selected_pair and not self._checks.is_checking(pair):
                self._start_check(pair, now)
            return
        pair.nominate_on_success = pair.nominate_on_success or nominated_by_peer
        if pair.checklist.remote_credentials is None:
            pair.state = PairState.WAITING
        elif not self._checks.is_checking(pair):
            self._start_check(pair, now)

    def _receive_response(self, message: StunMessage, socket: object, address: Address, now: float) -> None:
        check = self._checks.match_response(message, socket)
        if check is None:
            return
        pair = check.pair
        if message.message_class is MessageClass.SUCCESS and address == pair.address:
            self._check_succeeded(check, now)
        elif message.error_code == 487:
            # RFC 8445 section 7.2.5.1: switch roles, unless done since the check was sent, and check again.
            self.controlling = not check.controlling
            self._start_check(pair, now)
        elif not check.is_consent:
            pair.fail()

    def _check_succeeded(self, check: Check, now: float) -> None:
        pair = check.pair
        pair.state = PairState.SUCCEEDED
        pair.last_response_at = now
        pair.nominated = pair.nominated or pair.nominate_on_success or (check.nominating and self.controlling)
        if pair.nominated and not self.controlling and self.selected_pair not in (None, pair):
            self._consent.recheck(
                self.selected_pair, now
            )  # the peer's address may have changed, such as by NAT rebinding
        self.authenticated_addresses.add(pair.address)
        if check.transmissions == 1 and (pair is self.selected_pair or self.round_trip_time is None):
            self.round_trip_time = now - check.sent_at

    # Time

    def next_timer(self) -> float | None:
        """Return when to call `handle_timer`; None if no timer runs."""
        return self._timer_at

    def handle_timer(self, now: float) -> None:
        """Retransmit checks, start new ones and expire consent as due."""
        for check in self._checks.retransmit(now):
            if not check.is_consent:
                check.pair.fail()
        self._advance(now)

    def _compute_timer(self) -> float | None:
        times = [at for at in (self._checks.next_timer(), self._nominate_at) if at is not None]
        if self._pairs_to_check():
            times.append(self._paced_check_at)
        if self.selected_pair is not None and self.state is not IceState.FAILED:
            times.append(self._consent.next_check_at)
            if self.state is IceState.DISCONNECTED:
                times.append(self._consent.expires_at(self.selected_pair))
            else:
                times.append(self._consent.disconnected_at(self.selected_pair))
        elif self._checking_deadline is not None:
            times.append(self._checking_deadline)
        return min(times, default=None)

    def _advance(self, now: float) -> None:
        """Perform the actions that are due. Called at the end of every input."""
        waiting = self._pairs_to_check()
        if waiting and self._paced_check_at <= now:
            self._paced_check_at = now + PACING
            self._start_check(max(waiting, key=self._priority), now)
        self._select_pair(now)
        if self.controlling:
            self._nominate(now)
        self._check_consent(now)
        self._update_state(now)
        self._timer_at = self._compute_timer()  # read for every packet, changes only here

    def _pairs_to_check(self) -> list[CandidatePair]:
        """Return the pairs that wait for an ordinary check; none once the controlling agent has nominated."""
        is_settled = self.controlling and self._checklist.has_nominated_pair
        if self._checklist.remote_credentials is None or is_settled or self.state is IceState.FAILED:
            return []
        return self._checklist.in_state(PairState.WAITING)

    def _priority(self, pair: CandidatePair) -> int:
        return pair.priority(self.controlling)

    def _start_check(
        self, pair: CandidatePair, now: float, *, nominating: bool = False, is_consent: bool = False
    ) -> None:
        if pair.state is not PairState.SUCCEEDED:
            pair.state = PairState.IN_PROGRESS
        self._checks.start(pair, now, controlling=self.controlling, nominating=nominating, is_consent=is_consent)

    def _select_pair(self, now: float) -> None:
        """Select the best valid pair, and drop the previous checklist once a pair of the current one is nominated."""
        valid = self._checklist.in_state(PairState.SUCCEEDED)
        if not valid:
            if self.selected_pair is not None and self.selected_pair.state is PairState.FAILED:
                self.selected_pair = None
            return
        best = max(valid, key=lambda p: (now < self._consent.disconnected_at(p), p.nominated, self._priority(p)))
        if best is not self.selected_pair:
            self.selected_pair = best
            self._consent.schedule_next_check(now)
        if best.nominated and self._previous_checklist is not None:
            self._previous_checklist = None
            self._checks.cancel(lambda check: check.pair.checklist is not self._checklist)

    def _nominate(self, now: float) -> None:
        """Nominate the best pair, or after `NOMINATION_DELAY` the best valid one (RFC 8445 section 8.1.1)."""
        best = self.selected_pair
        if best is None or best.checklist is not self._checklist or self._checklist.has_nominated_pair:
            self._nominate_at = None
            return
        if self._checks.is_nominating:
            return
        if self._nominate_at is None:
            self._nominate_at = now + NOMINATION_DELAY
        candidates = [pair for pair in self._checklist if pair.state is not PairState.FAILED]
        if best is max(candidates, key=self._priority) or now >= self._nominate_at:
            self._nominate_at = None
            self._start_check(best, now, nominating=True)

    def _check_consent(self, now: float) -> None:
        if self.selected_pair is None or now < self._consent.next_check_at or self.state is IceState.FAILED:
            return
        self._consent.schedule_next_check(now)
        self._checks.cancel(lambda check: check.is_consent)
        self._start_check(self.selected_pair, now, is_consent=True)

    def _update_state(self, now: float) -> None:
        if self.selected_pair is None:
            if self._checking_deadline is not None and now >= self._checking_deadline:
                self._fail()
            elif self.state is not IceState.FAILED and self._checklist.remote_credentials is not None:
                self.state = IceState.DISCONNECTED if self._has_lost_pair else IceState.CHECKING
            return
        self._has_lost_pair = False
        if now >= self._consent.expires_at(self.selected_pair):
            self._fail()
        else:
            is_silent = now >= self._consent.disconnected_at(self.selected_pair)
            self.state = IceState.DISCONNECTED if is_silent else IceState.CONNECTED

    def _fail(self) -> None:
        self.state = IceState.FAILED
        self.selected_pair = self._previous_checklist = self._checking_deadline = None
        self._checks.cancel(lambda _: True)
        for pair in self._checklist:
            pair.fail()
