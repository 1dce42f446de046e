"""Test harnesses for `Caller` and `Responder`: recorders in place of the shells, and a fake clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from livekit.rpc.caller import Caller, CallerLimits
from livekit.rpc.errors import RpcError, built_in_error
from livekit.rpc.outgoing_call import OutgoingCall
from livekit.rpc.peer_info import ABSENT, PeerInfo
from livekit.rpc.responder import IncomingCall, Responder, ResponderLimits
from livekit.rpc.wire import VERSION_1, new_request_id

V0 = PeerInfo(listed=True, ready=True)
V1 = PeerInfo(listed=True, ready=True, client_protocol=1)
V2 = PeerInfo(listed=True, ready=True, client_protocol=2)
JOINED = PeerInfo(listed=True, ready=False, client_protocol=2)
HEARD = PeerInfo(listed=True, ready=True, announced=False)

Code = RpcError.ErrorCode


def code_and_data(outcome: str | RpcError) -> tuple[int, str | None]:
    """Return the code and data of a failure."""
    assert isinstance(outcome, RpcError), outcome
    return outcome.code, outcome.data


def reason_data(reason: str) -> str:
    return f'{{"reason":"{reason}"}}'


@dataclass
class PeerTable:
    peers: dict[str, PeerInfo] = field(default_factory=dict[str, PeerInfo])
    blocked: str | None = None

    def peer(self, identity: str) -> PeerInfo:
        return self.peers.get(identity, ABSENT)

    def blocked_reason(self) -> str | None:
        return self.blocked


class CallerHarness:
    """A `Caller`, the actions it requested, and a fake clock."""

    def __init__(self, limits: CallerLimits | None = None, **peers: PeerInfo) -> None:
        self.now = 100.0
        self.peers = PeerTable(dict(peers))
        self.sent: list[OutgoingCall] = []
        self.queued: list[OutgoingCall] = []
        """Sent requests that can still be withdrawn."""
        self.cancelled: list[OutgoingCall] = []
        self.outcomes: dict[str, list[tuple[float, str | RpcError]]] = {}
        self.refuse: RpcError | None = None
        self.core = Caller(self, self.peers, limits)
        self.core.online = True

    def start(
        self,
        destination: str = "bob",
        payload: str = "",
        *,
        budget: float = 15.0,
        ack_timeout: float = 7.0,
        wait_for_ready: bool = False,
    ) -> OutgoingCall:
        return self.core.start(
            destination,
            "method",
            payload,
            budget=budget,
            ack_timeout=ack_timeout,
            wait_for_ready=wait_for_ready,
            now=self.now,
        )

    def request_delivered(self, call: OutgoingCall) -> None:
        self.core.request_delivered(call, self.now)

    def acked(self, call: OutgoingCall, sender: str | None = None) -> None:
        self.core.receive_ack(call.destination if sender is None else sender, call.request_id, self.now)

    def advance(self, seconds: float) -> None:
        """Advance the clock, firing the timers that are due."""
        until = self.now + seconds
        while (due := self.core.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timer(self.now)
        self.now = until

    def set_peer(self, identity: str, peer: PeerInfo) -> None:
        self.peers.peers[identity] = peer
        self.core.peer_changed(identity, self.now)

    def leave(self, identity: str) -> None:
        self.peers.peers.pop(identity, None)
        self.core.peer_left(identity)

    def miss(self, identity: str) -> None:
        """Our own full reconnect: the participant is not in the room."""
        self.peers.peers.pop(identity, None)
        self.core.peer_missing(identity, self.now)

    def set_online(self, online: bool) -> None:
        self.core.set_online(online, self.now)

    def outcome(self, call: OutgoingCall) -> str | RpcError | None:
        """Return the outcome, None while the call is pending; assert that there is only one."""
        outcomes = self.outcomes.get(call.request_id, [])
        assert len(outcomes) <= 1
        return outcomes[0][1] if outcomes else None

    def ended(self, call: OutgoingCall) -> tuple[float, int, str | None]:
        """Return when a call failed, in seconds after its start at 100 s, and its code and data."""
        ((at, outcome),) = self.outcomes[call.request_id]
        return (round(at - 100.0, 6), *code_and_data(outcome))

    # CallerOutput

    def send_request(self, call: OutgoingCall) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.sent.append(call)

    def withdraw_request(self, call: OutgoingCall) -> bool:
        return call in self.queued

    def send_cancel(self, call: OutgoingCall) -> None:
        self.cancelled.append(call)

    def fail_disconnected(self, calls: Sequence[OutgoingCall]) -> None:
        for call in calls:
            self.complete(call, built_in_error(RpcError.ErrorCode.RECIPIENT_DISCONNECTED))

    def complete(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        self.outcomes.setdefault(call.request_id, []).append((self.now, outcome))


class ResponderHarness:
    """A `Responder`, the actions it requested, and a fake clock."""

    def __init__(self, limits: ResponderLimits | None = None) -> None:
        self.now = 100.0
        self.log: list[tuple[str, str]] = []
        self.started: list[IncomingCall] = []
        self.stopped: list[IncomingCall] = []
        self.errors: list[RpcError] = []
        self.responses: list[str] = []
        self.check_error: Callable[[RpcError], object] = lambda error: None
        self.core = Responder(self, limits)

    def begin(
        self,
        caller: str = "alice",
        request_id: str | None = None,
        *,
        timeout_ms: int = 1000,
        version: int = VERSION_1,
        expected: int = VERSION_1,
        method: str = "method",
    ) -> IncomingCall | None:
        request_id = new_request_id() if request_id is None else request_id
        return self.core.begin(caller, request_id, method, timeout_ms, version, expected, self.now)

    def run_one(self, caller: str = "alice", request_id: str | None = None, *, timeout_ms: int = 1000) -> IncomingCall:
        """Return a call whose handler has started."""
        call = self.begin(caller, request_id, timeout_ms=timeout_ms)
        assert call is not None
        self.core.payload_received(call, "payload")
        return call

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.core.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timer(self.now)
        self.now = until

    # ResponderOutput

    def send_ack(self, call: IncomingCall) -> None:
        self.log.append(("ack", call.request_id))

    def run(self, call: IncomingCall) -> None:
        self.log.append(("run", call.request_id))
        self.started.append(call)

    def stop(self, call: IncomingCall) -> None:
        self.log.append(("stop", call.request_id))
        self.stopped.append(call)

    def send_response(self, call: IncomingCall, payload: str) -> None:
        self.log.append(("response", call.request_id))
        self.responses.append(payload)

    def send_error(self, call: IncomingCall, error: RpcError) -> None:
        self.check_error(error)
        self.log.append(("error", call.request_id))
        self.errors.append(error)
