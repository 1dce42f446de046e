"""Signal messages of a server to a session, in answer to a join or resume or later: it lives on unless told to leave.

Nothing is logged as an error, no task fails unseen, and the session is connected again within `PATIENCE`. The first
byte of an input says when its message comes, and to a session with how many peer connections.
Run as `python -m fuzz.fuzz_engine [COUNT] [SEED]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import math
from collections.abc import Generator, Iterator

from google.protobuf.message import DecodeError

from fuzz.fuzz_sdp import SEEDS as DESCRIPTIONS
from fuzz.mutate import Fuzzer, Target
from fuzz.signal_server import JOIN, RECONNECT, SignalServer
from livekit._room.room_session import RoomSession
from livekit.engine import Engine, EngineListener, EngineState, register_scheme
from livekit.engine.rtc_engine import RtcEngine
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.rpc.local_rpc import LocalRpc
from livekit.testing import VirtualClock

PATIENCE = 120.0
"""Virtual seconds within which a session is connected again."""
TURNS = 8
"""Of the loop, in which a message is taken and what follows from it begins."""
_Action = rtc.LeaveRequest.Action


class When(enum.IntEnum):
    """When the message comes."""

    CONNECTED = 0
    RESUMING = 1
    REJOINING = 2
    LAST = 3
    """Before the signal connection is lost."""


class Client:
    """A room session over a session with the server of this target."""

    def __init__(self, *, single: bool) -> None:
        self._single = single
        self.server = SignalServer()
        self._session: RoomSession | None = None

    async def deliver(self, data: bytes, when: When) -> None:
        session = self._session or await self._join()
        if when in (When.CONNECTED, When.LAST):
            self.server.say(data)
        else:
            self.server.greeting = data
            _engine_of(session).force_reconnect(full=when is When.REJOINING)
        await _turns()
        if when is When.LAST:
            self.server.reset()
            await _turns()
        await self._settle(session, data)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.leave(models.DisconnectReason.CLIENT_INITIATED)

    async def _join(self) -> RoomSession:
        options = RoomOptions(single_peer_connection=None if self._single else False)
        _open.server = self.server
        self._session = RoomSession("fuzz://", "token", options, LocalRpc(), lambda *event: None)
        await self._session.join()
        return self._session

    async def _settle(self, session: RoomSession, data: bytes) -> None:
        """Wait until it is connected again, or has ended because it was told to."""
        engine = _engine_of(session)
        until = asyncio.get_running_loop().time() + PATIENCE
        while engine.state not in (EngineState.CONNECTED, EngineState.DISCONNECTED):
            if asyncio.get_running_loop().time() > until:
                raise AssertionError(f"not connected for {PATIENCE:g} s")
            await asyncio.sleep(0.1)
        self.server.greeting = b""
        if engine.state is EngineState.DISCONNECTED:
            await self.close()
            self._session = None
            if not _is_leave(data):
                raise AssertionError("it ended, and was not told to")


def _engine_of(session: RoomSession) -> Engine:
    return session.engine


class _Opener:
    """Makes the sessions of the scheme `fuzz`."""

    server: SignalServer

    def __call__(self, url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
        return RtcEngine(
            "ws://fuzz", token, options, listener, make_peer=self.server.make_peer, open_signal=self.server.open_signal
        )


_open = _Opener()
register_scheme("fuzz", _open)


def _is_leave(data: bytes) -> bool:
    try:
        return rtc.SignalResponse.FromString(data).HasField("leave")
    except DecodeError:
        return False


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


class Errors(logging.Handler):
    """Whatever is logged as an error, or comes to the loop's handler of exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._seen: list[str] = []
        self._causes: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._see(record.getMessage(), record.exc_info[1] if record.exc_info else None)

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        exception = context.get("exception")
        self._see(str(context["message"]), exception if isinstance(exception, BaseException) else None)

    def check(self) -> None:
        """Raises AssertionError."""
        if self._seen:
            seen, causes = self._seen[:], self._causes[:1]
            self._seen.clear()
            self._causes.clear()
            raise AssertionError("; ".join(seen)) from (causes[0] if causes else None)

    def _see(self, message: str, cause: BaseException | None) -> None:
        self._seen.append(f"{message} ({cause!r})")
        if cause is not None:
            self._causes.append(cause)


@contextlib.contextmanager
def watching(loop: asyncio.AbstractEventLoop) -> Generator[Errors]:
    """Errors are counted though logging be switched off, and warnings are not written."""
    errors, logger = Errors(), logging.getLogger("livekit")
    before, propagated = logging.root.manager.disable, logger.propagate
    loop.set_exception_handler(errors.unhandled)
    logger.addHandler(errors)
    logger.propagate = False
    logging.disable(logging.WARNING)
    try:
        yield errors
    finally:
        logging.disable(before)
        logger.propagate = propagated
        logger.removeHandler(errors)


@contextlib.contextmanager
def open_target() -> Generator[Target]:
    loop = asyncio.new_event_loop()
    clock = VirtualClock(limit=math.inf)

    async def enter() -> None:
        clock.__enter__()

    with watching(loop) as errors:
        loop.run_until_complete(enter())
        clients = [Client(single=True), Client(single=False)]

        def target(data: bytes) -> None:
            at = data[0] if data else 0
            loop.run_until_complete(clients[at >> 2 & 1].deliver(data[1:], When(at & 3)))
            errors.check()

        try:
            yield target
        finally:
            for client in clients:
                loop.run_until_complete(client.close())
            loop.close()


def _descriptions() -> Iterator[rtc.SignalResponse]:
    for sdp in (*(seed.decode() for seed in DESCRIPTIONS), "v=0"):
        for number in (0, 1, 2):
            yield rtc.SignalResponse(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=number))
            yield rtc.SignalResponse(offer=rtc.SessionDescription(type="offer", sdp=sdp, id=number))
    candidate = '{"candidate": "candidate:1 1 udp 1 192.0.2.7 41057 typ host", "sdpMid": "0"}'
    for target in (rtc.PUBLISHER, rtc.SUBSCRIBER):
        yield rtc.SignalResponse(trickle=rtc.TrickleRequest(candidateInit=candidate, target=target))


def _seeds() -> Iterator[rtc.SignalResponse]:
    yield JOIN
    yield RECONNECT
    yield from _descriptions()
    for action in (_Action.DISCONNECT, _Action.RESUME, _Action.RECONNECT):
        leave = rtc.LeaveRequest(action=action, reason=models.DisconnectReason.SERVER_SHUTDOWN)
        yield rtc.SignalResponse(leave=leave)
        leave.can_reconnect = True
        leave.regions.regions.add(region="r", url="ws://other.example", distance=1)
        yield rtc.SignalResponse(leave=leave)
    yield rtc.SignalResponse(refresh_token="newer")
    yield rtc.SignalResponse(pong=1)
    yield rtc.SignalResponse(pong_resp=rtc.Pong(last_ping_timestamp=1, timestamp=2))
    moved = rtc.RoomMovedResponse(room=models.Room(name="other"), token="newer")
    moved.participant.CopyFrom(JOIN.join.participant)
    yield rtc.SignalResponse(room_moved=moved)
    yield rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=JOIN.join.other_participants))


SEEDS = [bytes((at,)) + message.SerializeToString() for message in _seeds() for at in range(8)]
FUZZER = Fuzzer("engine", SEEDS, (), open_target)

if __name__ == "__main__":
    FUZZER.main()
