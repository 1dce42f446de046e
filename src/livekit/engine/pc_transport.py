"""One peer connection with serial negotiation: descriptions and candidates are applied one at a time, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from livekit._util.aio import finish, start_task
from livekit._util.callbacks import ignore
from livekit.protocol import rtc
from livekit.webrtc import PeerConnection

__all__ = ["PCTransport"]

logger = logging.getLogger("livekit.engine")


class PCTransport:
    """Applies the server's descriptions and candidates to a peer connection, and sends answers and local candidates."""

    def __init__(
        self,
        peer: PeerConnection,
        target: rtc.SignalTarget,
        send: Callable[[rtc.SignalRequest], None],
        on_failed: Callable[[str], None],
    ) -> None:
        """`on_failed` is called with a message if a description cannot be applied."""
        self.peer = peer
        self._target = target
        self._send = send
        self._on_failed = on_failed
        self._steps: deque[Callable[[], Awaitable[None]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self.on_answer: Callable[[rtc.SessionDescription], None] = ignore
        """Called with the server's answer before it is applied."""
        self._offer_id = 0
        self._awaits_answer = False
        self._needs_offer = False
        peer.on_candidate = self._send_candidate

    async def create_offer(self, *, ice_restart: bool = False) -> rtc.SessionDescription:
        """Create the next offer. Raises ValueError if the peer connection cannot restart ICE."""
        self._needs_offer = False
        sdp = await self.peer.create_offer(ice_restart=ice_restart)
        self._awaits_answer = True
        self._offer_id += 1
        return rtc.SessionDescription(type="offer", sdp=sdp, id=self._offer_id)

    def handle_answer(self, answer: rtc.SessionDescription) -> None:
        """Apply the answer to the last offer; answers to older ones are ignored. 0 is the id of older servers."""
        if answer.id not in {0, self._offer_id}:
            logger.debug("ignored the answer to offer %d; the last one is %d", answer.id, self._offer_id)
            return

        async def accept() -> None:
            self._awaits_answer = False
            self.on_answer(answer)
            await self.peer.accept_answer(answer.sdp)
            if self._needs_offer:
                self.negotiate()

        self._enqueue(accept)

    def negotiate(self) -> None:
        """Offer what has changed, once the last offer is answered."""
        self._needs_offer = True
        if not self._awaits_answer:
            self._enqueue(self._offer)

    def repeat_offer(self) -> None:
        """Offer again if an offer has not been answered: it was lost with the signal connection."""
        if self._awaits_answer:
            self._awaits_answer = False
            self.negotiate()

    def handle_offer(self, offer: rtc.SessionDescription) -> None:
        """Answer an offer of the server, with the same id."""

        async def answer() -> None:
            sdp = await self.peer.accept_offer(offer.sdp)
            self._send(rtc.SignalRequest(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id)))

        self._enqueue(answer)

    def add_candidate(self, candidate: str) -> None:
        """Add a remote candidate after the descriptions that were received before it."""
        self._enqueue(lambda: self.peer.add_candidate(candidate))

    async def close(self) -> None:
        self._steps.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await finish(self.peer.close())

    def _send_candidate(self, candidate: str | None) -> None:
        if candidate is not None:
            self._send(rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit=candidate, target=self._target)))

    def _enqueue(self, step: Callable[[], Awaitable[None]]) -> None:
        self._steps.append(step)
        if self._task is None or self._task.done():
            self._task = start_task(self._negotiate(), name="livekit negotiation")

    async def _offer(self) -> None:
        if self._needs_offer and not self._awaits_answer:
            self._send(rtc.SignalRequest(offer=await self.create_offer()))

    async def _negotiate(self) -> None:
        while self._steps:
            try:
                await self._steps.popleft()()
            except ValueError as error:
                self._on_failed(f"the server's description cannot be used: {error}")
            except Exception as error:
                logger.exception("negotiating with the server failed")
                self._on_failed(f"negotiating with the server failed: {error!r}")
