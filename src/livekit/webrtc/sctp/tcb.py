"""The transmission control block: the state shared by the parts of an association (RFC 9260 section 14)."""

from __future__ import annotations

from dataclasses import dataclass

from .constants import MAX_PENDING_REPLIES
from .data_receiver import DataReceiver
from .data_sender import DataSender
from .packet import PacketHeader
from .reconfig import StreamReset
from .rto import RetransmissionTimeout
from .states import RECEIVING, SENDING, SETTING_UP, State


@dataclass(slots=True)
class DataTransfer:
    """Both directions of data transfer; exists once the initial TSNs and tags are negotiated."""

    header: PacketHeader
    sender: DataSender
    receiver: DataReceiver
    reset: StreamReset


class TransmissionControlBlock:
    """State, verification tags and error count of an association, and the control chunks it has to send."""

    __slots__ = (
        "_state",
        "can_receive",
        "can_send",
        "control_chunks",
        "error_count",
        "handshake_complete",
        "local_tag",
        "packets",
        "peer_tag",
        "rto",
        "transfer",
    )

    def __init__(self, rto: RetransmissionTimeout) -> None:
        self.rto = rto
        self.local_tag = self.peer_tag = 0
        """Verification tags (section 3.1); 0 while unknown."""
        self.transfer: DataTransfer | None = None
        self.error_count = 0
        """Consecutive T3-rtx timeouts (section 8.1)."""
        self.control_chunks: list[bytes] = []
        """Chunks to bundle into the next packets."""
        self.packets: list[bytes] = []
        """Complete packets to send before all others."""
        self.state = State.CLOSED

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        # The flags are read for each packet, the state changes a few times in the life of an association.
        self._state = state
        self.can_receive = state in RECEIVING
        self.can_send = state in SENDING
        self.handshake_complete = state not in SETTING_UP

    def send_control(self, chunk: bytes) -> None:
        """Bundle a control chunk into the next packet. Drop it if `MAX_PENDING_REPLIES` are pending."""
        if len(self.control_chunks) < MAX_PENDING_REPLIES:
            self.control_chunks.append(chunk)

    def send_packet(self, tag: int, chunk: bytes) -> None:
        """Send a chunk unbundled, with the given verification tag. Drop it if `MAX_PENDING_REPLIES` are pending."""
        if len(self.packets) < MAX_PENDING_REPLIES:
            self.packets.append(PacketHeader(tag).packet([chunk]))
