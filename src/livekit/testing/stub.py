"""Participants with scripted answers to calls."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable

from livekit.room import Room
from livekit.rpc import RpcInvocationData

from .call_recorder import record_calls

__all__ = ["Answer", "StubParticipant"]

Answer = str | None | BaseException | Callable[[RpcInvocationData], "Awaitable[str | None] | str | None"]
"""An answer of a stub: a response, an exception to raise, or a handler to run."""


class StubParticipant:
    """A participant with scripted answers to calls. Created by `MemoryRoom.stub` and `RoomEnvironment.stub`."""

    def __init__(self, room: Room) -> None:
        self.room = room
        """The stub's room, connected like any other."""
        self.calls = record_calls(room)
        """Calls received and made: `stub.calls.assert_received("greet", payload="hi")`."""

    def answer(self, method: str, *answers: Answer, delay: float = 0.0) -> None:
        """Answer calls of `method` from now on with each answer once, in order, then repeatedly with the last one.

        An `RpcError` is sent to the caller; any other exception counts as a failed handler.

        Args:
            delay: seconds before each answer.

        Raises:
            ValueError: no answer is given.
        """
        if not answers:
            raise ValueError("a stub needs at least one answer")
        left = deque(answers)

        async def handler(invocation: RpcInvocationData) -> str | None:
            answer = left.popleft() if len(left) > 1 else left[0]
            if delay:
                await asyncio.sleep(delay)
            if isinstance(answer, BaseException):
                raise answer
            if not callable(answer):
                return answer
            response = answer(invocation)
            return await response if inspect.isawaitable(response) else response

        self.room.register_rpc_method(method, handler, replace=True)
