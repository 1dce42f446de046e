"""Fuzzes an engine with a server's signal messages, during a join or resume or later: it survives all but a leave.

Nothing is logged as an error, no task fails unnoticed, and the engine is connected again within `TIMEOUT`. The first
byte of an input selects when its message is received, and whether the engine uses one peer connection or two.
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

TIMEOUT = 120.0
"""Virtual seconds within which the engine is connected again."""
LOOP_ITERATIONS = 8
"""Iterations of the event loop in which a message is handled."""
_Action = rtc.LeaveRequest.Action


class When(enum.IntEnum):
    """Time at which the message is received."""

    CONNECTED = 0
    RESUMING = 1
    REJOINING = 2
    DISCONNECTING = 3
    """Right before the signal connection is lost."""


class Client:
    """A room session connected to this target's server."""

    def __init__(self, *, single: bool) -> None:
        self._is_single = single
        self.server = SignalServer()
        self._session: RoomSession | None = None

    async def deliver(self, data: bytes, when: When) -> None:
        session = self._session or await self._join()
        if when in (When.CONNECTED, When.DISCONNECTING):
            self.server.send(data)
        else:
            self.server.greeting = data
            _engine_of(session).force_reconnect(full=when is When.REJOINING)
        await _run_loop()
        if when is When.DISCONNECTING:
            self.server.reset()
            await _run_loop()
        await self._wait_settled(session, data)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.leave(models.DisconnectReason.CLIENT_INITIATED)

    async def _join(self) -> RoomSession:
        options = RoomOptions(single_peer_connection=None if self._is_single else False)
        _factory.server = self.server
        self._session = RoomSession("fuzz://", "token", options, LocalRpc(), lambda *event: None)
        await self._session.join()
        return self._session

    async def _wait_settled(self, session: RoomSession, data: bytes) -> None:
        """Wait until the engine is connected again, or closed by a leave request."""
        engine = _engine_of(session)
        until = asyncio.get_running_loop().time() + TIMEOUT
        while engine.state not in (EngineState.CONNECTED, EngineState.DISCONNECTED):
            if asyncio.get_running_loop().time() > until:
                raise AssertionError(f"not connected for {TIMEOUT:g} s")
            await asyncio.sleep(0.1)
        self.server.greeting = b""
        if engine.state is EngineState.DISCONNECTED:
            await self.close()
            self._session = None
            if not _is_leave(data):
                raise AssertionError("the engine closed without a leave request")


def _engine_of(session: RoomSession) -> Engine:
    return session.engine


class _EngineFactory:
    """Creates the engines of the scheme `fuzz`."""

    server: SignalServer

    def __call__(self, url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
        return RtcEngine(
            "ws://fuzz", token, options, listener, make_peer=self.server.make_peer, open_signal=self.server.open_signal
        )


_factory = _EngineFactory()
register_scheme("fuzz", _factory)


def _is_leave(data: bytes) -> bool:
    try:
        return rtc.SignalResponse.FromString(data).HasField("leave")
    except DecodeError:
        return False


async def _run_loop() -> None:
    for _ in range(LOOP_ITERATIONS):
        await asyncio.sleep(0)


class ErrorCollector(logging.Handler):
    """Collects logged errors and exceptions that nothing handled."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._messages: list[str] = []
        self._causes: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._add(record.getMessage(), record.exc_info[1] if record.exc_info else None)

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        exception = context.get("exception")
        self._add(str(context["message"]), exception if isinstance(exception, BaseException) else None)

    def check(self) -> None:
        """Raise AssertionError if there were errors since the last check."""
        if self._messages:
            messages, causes = self._messages[:], self._causes[:1]
            self._messages.clear()
            self._causes.clear()
            raise AssertionError("; ".join(messages)) from (causes[0] if causes else None)

    def _add(self, message: str, cause: BaseException | None) -> None:
        self._messages.append(f"{message} ({cause!r})")
        if cause is not None:
            self._causes.append(cause)


@contextlib.contextmanager
def collect_errors(loop: asyncio.AbstractEventLoop) -> Generator[ErrorCollector]:
    """Collect errors even if logging is disabled; suppress warnings."""
    errors, logger = ErrorCollector(), logging.getLogger("livekit")
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

    async def start_clock() -> None:
        clock.__enter__()

    with collect_errors(loop) as errors:
        loop.run_until_complete(start_clock())
        clients = [Client(single=True), Client(single=False)]

        def target(data: bytes) -> None:
            selector = data[0] if data else 0
            loop.run_until_complete(clients[selector >> 2 & 1].deliver(data[1:], When(selector & 3)))
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


SEEDS = [bytes((selector,)) + message.SerializeToString() for message in _seeds() for selector in range(8)]
FUZZER = Fuzzer("engine", SEEDS, (), open_target)

if __name__ == "__main__":
    FUZZER.main()
