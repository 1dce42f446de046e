"""Participants of this SDK or the official one: whichever `livekit.rtc` its Python has. Told by lines of JSON on stdin
what to do, it tells by lines of JSON on stdout what happens; see `peers.py`.

It stands alone: the environment of the official SDK has nothing of this project.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
import time
from typing import Any

import livekit
from livekit import rtc

from .call_counts import Handled, Made
from .process_stats import census

METHOD = "work"
QUIET_METHOD = "quiet"
"""Of which nothing is told, where the number of calls would drown the pipe."""
FLOODED_METHOD = "flooded"
"""Whose calls are noted, to be told of together."""
RECEIVER = "bulk"
TICK = 0.01
"""Seconds between two handfuls of a flood's calls."""
MAX_TICKS_AT_ONCE = 5


def say(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Member:
    """One participant."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.room = rtc.Room()
        self.calling: asyncio.Task[None] | None = None
        self.calls: set[asyncio.Task[None]] = set()
        self.handled = Handled()

    async def join(self, url: str, token: str, limits: dict[str, Any] | None = None) -> None:
        """`limits`: options of calls, of this SDK only."""
        options = rtc.RoomOptions()
        if limits is not None:
            options.rpc = dataclasses.replace(options.rpc, **limits)
        started = time.monotonic()
        self.room.on("connection_state_changed", lambda state: say("state", who=self.identity, state=int(state)))
        self.room.register_byte_stream_handler(RECEIVER, self.receive)
        while True:
            try:
                await self.room.connect(url, token, options)
                break
            except Exception as error:  # what a bad link does to a first attempt is not what is measured
                say("retry", who=self.identity, error=f"{type(error).__name__}: {error}"[:200])
                await asyncio.sleep(0.5)
        self.room.local_participant.register_rpc_method(METHOD, self.work)
        self.room.local_participant.register_rpc_method(QUIET_METHOD, self.quiet_work)
        self.room.local_participant.register_rpc_method(FLOODED_METHOD, self.flooded_work)
        say("joined", who=self.identity, seconds=time.monotonic() - started)

    async def work(self, data: Any) -> str:
        """`id|seconds|padding` is the payload; the id comes back after as many seconds."""
        call, seconds, _ = data.payload.split("|", 2)
        say("invoked", call=call, request=data.request_id)
        how = "raised"
        try:
            await asyncio.sleep(float(seconds))
            how = "returned"
        except asyncio.CancelledError:
            how = "cancelled"
            raise
        finally:
            say("ended", call=call, how=how)
        return str(call)

    async def quiet_work(self, data: Any) -> str:
        call, seconds, _ = data.payload.split("|", 2)
        if seconds != "0":
            await asyncio.sleep(float(seconds))
        return str(call)

    async def flooded_work(self, data: Any) -> str:
        seconds, _, call = data.payload.partition("|")
        with self.handled.handling(call):
            await asyncio.sleep(float(seconds))
        return ""

    async def call(self, call: str, to: str, budget: float, seconds: float, size: int) -> None:
        """One call, and what comes of it."""
        say("started", call=call, budget=budget, at=time.monotonic())
        started = time.monotonic()
        outcome = await self.outcome(call, METHOD, to, budget, seconds, size)
        ended = time.monotonic()
        say("settled", call=call, outcome=outcome, seconds=ended - started, at=ended)

    async def outcome(self, call: str, method: str, to: str, budget: float, seconds: float, size: int) -> str:
        return await self.answer(to, method, f"{call}|{seconds:g}|{'x' * size}", budget, call)

    async def answer(self, to: str, method: str, payload: str, budget: float, wanted: str) -> str:
        """What comes of one call."""
        try:
            answer = await self.room.local_participant.perform_rpc(
                destination_identity=to, method=method, payload=payload, response_timeout=budget
            )
            return "ok" if answer == wanted else "wrong answer"
        except rtc.RpcError as error:
            return f"{int(error.code)} {error.data or error.message}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:200]

    async def keep_calling(
        self, to: str, name: str, every: float, budget: float, count: int, seconds: float, size: int
    ) -> None:
        """A call every so many seconds, whether those before have ended or not."""
        begin = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, begin + number * every - time.monotonic()))
            task = asyncio.create_task(self.call(f"{name}{number}", to, budget, seconds, size))
            self.calls.add(task)
            task.add_done_callback(self.calls.discard)
        while self.calls:
            await asyncio.wait(self.calls)
        say("done", who=self.identity)

    async def send(self, to: str, size: int) -> None:
        """A byte stream of so many bytes, none of which deflate."""
        started = time.monotonic()
        writer = await self.room.local_participant.stream_bytes("bulk", topic=RECEIVER, destination_identities=[to])
        sent = 0
        while sent < size:
            await writer.write(os.urandom(min(15_000, size - sent)))
            sent += min(15_000, size - sent)
        await writer.aclose()
        say("sent", who=self.identity, bytes=sent, seconds=time.monotonic() - started)

    def receive(self, reader: Any, sender: str) -> None:
        async def read() -> None:
            received = 0
            async for piece in reader:
                received += len(piece)
            say("received", who=self.identity, bytes=received)

        task = asyncio.create_task(read())
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)

    async def hurry(self, to: str, name: str, width: int, count: int) -> None:
        """As many calls as fast as they go, `width` at once; only their outcomes are told."""
        numbers, outcomes = iter(range(count)), dict[str, int]()

        async def one_after_another() -> None:
            for number in numbers:
                outcome = await self.outcome(f"{name}{number}", QUIET_METHOD, to, 60.0, 0.0, 0)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1

        await asyncio.gather(*(one_after_another() for _ in range(width)))
        say("hurried", who=self.identity, outcomes=outcomes)

    async def flood(self, to: str, rate: float, lasting: float, budget: float, seconds: float) -> None:
        """So many calls a second, whether those before have ended or not; what comes of them is told at the end.

        What this process had no time to make is made up for by a handful at most: its own calls would end late.
        """
        made = Made(budget)

        async def one(number: int) -> None:
            started = time.monotonic()
            payload = f"{seconds:g}|{self.identity}|{number}"
            outcome = await self.answer(to, FLOODED_METHOD, payload, budget, "")
            made.settled(number, outcome, time.monotonic() - started)

        begin = last = time.monotonic()
        owed = 0.0
        while last - begin < lasting:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            made.pause = max(made.pause, now - last)
            owed, last = owed % 1 + min(now - last, MAX_TICKS_AT_ONCE * TICK) * rate, now
            for _ in range(int(owed)):
                task = asyncio.create_task(one(made.offered))
                self.calls.add(task)
                task.add_done_callback(self.calls.discard)
                made.offered += 1
        say("flooded", who=self.identity, at=last)
        while self.calls:
            await asyncio.wait(self.calls)
        say("drained", who=self.identity, seconds=time.monotonic() - last, **made.result())


class Program:
    """Does what the lines on stdin say, each `{"do": …, "who": …, …}` in a task of its own."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        reader = asyncio.StreamReader(limit=1 << 24)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            command = json.loads(line)
            task = asyncio.create_task(getattr(self, "do_" + command.pop("do"))(**command))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        await asyncio.gather(*(member.room.disconnect() for member in self.members.values()), return_exceptions=True)

    async def do_join(self, who: str, **arguments: Any) -> None:
        member = self.members[who] = Member(who)
        await member.join(**arguments)

    async def do_call(self, who: str, **arguments: Any) -> None:
        member = self.members[who]
        member.calling = asyncio.create_task(member.keep_calling(**arguments))
        await asyncio.wait({member.calling})

    async def do_stop(self, who: str) -> None:
        """Start no more calls; those under way go on."""
        member = self.members[who]
        if member.calling is not None:
            member.calling.cancel()
        if member.calls:
            await asyncio.wait(member.calls)
        say("done", who=who)

    async def do_send(self, who: str, **arguments: Any) -> None:
        await self.members[who].send(**arguments)

    async def do_hurry(self, who: str, **arguments: Any) -> None:
        await self.members[who].hurry(**arguments)

    async def do_flood(self, who: str, **arguments: Any) -> None:
        await self.members[who].flood(**arguments)

    async def do_handled(self, who: str) -> None:
        say("handled", who=who, **self.members[who].handled.result())

    async def do_census(self, number: int) -> None:
        held = sum(pending(member.room) for member in self.members.values())
        say("census", number=number, pending=held, **census())


def pending(room: Any) -> int:
    """Calls, handlers and streams that a room of this SDK holds; 0 for another's."""
    session = getattr(room, "_session", None)
    if session is None:
        return 0
    calls, served = session._calls, session._callee
    held = (calls.core._calls, calls._streams, calls._responses, served.core._calls, served._tasks)
    return sum(map(len, (*held, session._streams._open, session._requests._pending)))


def main() -> None:
    run = getattr(livekit, "run", asyncio.run)
    run(Program().run())


if __name__ == "__main__":
    main()
