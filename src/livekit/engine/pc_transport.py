"""One peer connection and the order of its negotiation: offers, answers and candidates are taken one by one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from livekit._util.aio import finish
from livekit.protocol import rtc
from livekit.webrtc import PeerConnection

__all__ = ["PCTransport"]

logger = logging.getLogger("livekit.engine")


class PCTransport:
    """Does what the other side's messages ask of a peer connection, serially.

    `on_failed` is called when a description cannot be used; `send` takes what goes back."""

    def __init__(
        self,
        peer: PeerConnection,
        target: rtc.SignalTarget,
        send: Callable[[rtc.SignalRequest], None],
        on_failed: Callable[[str], None],
    ) -> None:
        self.peer = peer
        self._target = target
        self._send = send
        self._on_failed = on_failed
        self._steps: deque[Callable[[], Awaitable[None]]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._offer_id = 0
        peer.on_candidate = self._local_candidate

    async def offer(self, *, ice_restart: bool = False) -> rtc.SessionDescription:
        """Make the next offer. Raises ValueError where the peer connection cannot restart ICE."""
        sdp = await self.peer.create_offer(ice_restart=ice_restart)
        self._offer_id += 1
        return rtc.SessionDescription(type="offer", sdp=sdp, id=self._offer_id)

    def take_answer(self, answer: rtc.SessionDescription) -> None:
        """The answer to the last offer; one to an older offer is ignored."""
        if answer.id in {0, self._offer_id}:
            self._do(lambda: self.peer.accept_answer(answer.sdp))
        else:
            logger.debug("ignored the answer to offer %d; the last is %d", answer.id, self._offer_id)

    def take_offer(self, offer: rtc.SessionDescription) -> None:
        """Answer an offer of the server; the answer echoes its id."""

        async def answer() -> None:
            sdp = await self.peer.accept_offer(offer.sdp)
            self._send(rtc.SignalRequest(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id)))

        self._do(answer)

    def take_candidate(self, candidate: str) -> None:
        """Takes effect after the descriptions that came before it."""
        self._do(lambda: self.peer.add_candidate(candidate))

    async def close(self) -> None:
        self._steps.clear()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker})
        await finish(self.peer.close())

    def _local_candidate(self, candidate: str | None) -> None:
        if candidate is not None:
            self._send(rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit=candidate, target=self._target)))

    def _do(self, step: Callable[[], Awaitable[None]]) -> None:
        self._steps.append(step)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        while self._steps:
            try:
                await self._steps.popleft()()
            except ValueError as error:
                self._on_failed(f"the server's description cannot be used: {error}")
            except Exception as error:
                logger.exception("negotiating with the server failed")
                self._on_failed(f"negotiating with the server failed: {error!r}")
