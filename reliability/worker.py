"""Participants with this SDK or the official one, depending on the Python environment.

Reads commands and writes events as lines of JSON on stdin and stdout; see `peers.py`. It imports nothing of this
project's package beyond the official API.
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
from tools.measurements import process_stats

from .call_counts import HandledCalls, MadeCalls

METHOD = "work"
QUIET_METHOD = "quiet"
"""A method without events, for calls too numerous to report one by one."""
FLOODED_METHOD = "flooded"
"""A method whose calls are counted and reported together."""
RECEIVER = "bulk"
TICK = 0.01
"""Seconds between two batches of a flood's calls."""
MAX_TICKS_AT_ONCE = 5


def say(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Member:
    """A participant."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.room = rtc.Room()
        self.calling: asyncio.Task[None] | None = None
        self.calls: set[asyncio.Task[None]] = set()
        self.handled = HandledCalls()

    async def join(self, url: str, token: str, limits: dict[str, Any] | None = None) -> None:
        """Join a room. `limits` are `RpcOptions` of this SDK."""
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
            except Exception as error:  # a first attempt may fail on a bad link; that is not measured here
                say("retry", who=self.identity, error=f"{type(error).__name__}: {error}"[:200])
                await asyncio.sleep(0.5)
        self.room.local_participant.register_rpc_method(METHOD, self.work)
        self.room.local_participant.register_rpc_method(QUIET_METHOD, self.quiet_work)
        self.room.local_participant.register_rpc_method(FLOODED_METHOD, self.flooded_work)
        say("joined", who=self.identity, seconds=time.monotonic() - started)

    async def work(self, data: Any) -> str:
        """Return the call's id after `seconds`; the payload is `id|seconds|padding`."""
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
        """Make a call and report its outcome."""
        say("started", call=call, budget=budget, at=time.monotonic())
        started = time.monotonic()
        outcome = await self.outcome(call, METHOD, to, budget, seconds, size)
        ended = time.monotonic()
        say("settled", call=call, outcome=outcome, seconds=ended - started, at=ended)

    async def outcome(self, call: str, method: str, to: str, budget: float, seconds: float, size: int) -> str:
        return await self.answer(to, method, f"{call}|{seconds:g}|{'x' * size}", budget, call)

    async def answer(self, to: str, method: str, payload: str, budget: float, wanted: str) -> str:
        """Make a call and return its outcome."""
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
        """Make a call every `every` seconds, without waiting for earlier ones."""
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
        """Send a byte stream of `size` incompressible bytes."""
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
        """Make `count` calls with `width` in flight; report only their outcomes."""
        numbers, outcomes = iter(range(count)), dict[str, int]()

        async def one_after_another() -> None:
            for number in numbers:
                outcome = await self.outcome(f"{name}{number}", QUIET_METHOD, to, 60.0, 0.0, 0)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1

        await asyncio.gather(*(one_after_another() for _ in range(width)))
        say("hurried", who=self.identity, outcomes=outcomes)

    async def flood(self, to: str, rate: float, lasting: float, budget: float, seconds: float) -> None:
        """Make `rate` calls per second without waiting for earlier ones; report their outcomes together at the end.

        After a pause of this process, at most `MAX_TICKS_AT_ONCE` ticks are made up for: a larger burst would end late.
        """
        made = MadeCalls(budget)

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
    """Runs each command of stdin, `{"do": …, "who": …, …}`, in its own task."""

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
        """Stop making calls and wait for those in flight."""
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

    async def do_stats(self, number: int) -> None:
        held = sum(pending(member.room) for member in self.members.values())
        say("stats", number=number, pending=held, **process_stats())


def pending(room: Any) -> int:
    """Return the number of calls, handlers and streams pending in a room; 0 for the official SDK."""
    session = getattr(room, "_session", None)
    if session is None:
        return 0
    calls, served = session.rpc_client, session.rpc_callee
    held = (calls.core._calls, calls._streams, calls._responses, served.core._calls, served._tasks)
    return sum(map(len, (*held, session.incoming_streams._open, session.signal_requests._pending)))


def main() -> None:
    run = getattr(livekit, "run", asyncio.run)
    run(Program().run())


if __name__ == "__main__":
    main()
