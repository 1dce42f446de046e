"""A participant that answers calls as a test tells it to."""

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
"""What a stub answers: a response, an error to raise, or a handler to run."""


class StubParticipant:
    """Stands in for a participant that others call. Made by `MemoryRoom.stub` and `RoomEnvironment.stub`."""

    def __init__(self, room: Room) -> None:
        self.room = room
        """The room of the stub, connected like any other."""
        self.calls = record_calls(room)
        """The calls it received and made: `stub.calls.assert_received("greet", payload="hi")`."""

    def answer(self, method: str, *answers: Answer, delay: float = 0.0) -> None:
        """Answer calls of `method` from now on: the first call with the first answer and so on, the last for ever.

        An `RpcError` is what the caller gets; any other exception is one that a handler failed with. Each answer
        comes after `delay` seconds. Raises ValueError without answers.
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
