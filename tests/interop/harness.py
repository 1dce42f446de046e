"""Peer programs: each kind of participant in a separate process, driven by lines of JSON.

A program receives `{"id": n, "do": "join" | "listed" | "gone" | "call" | "cancel" | "leave", …}`. It sends
`{"reply": n, "value": …}`, `{"reply": n, "error": {"type", "message", and for an RpcError "code", "data"}}`, and
`{"event": "started" | "ended", "who", "method", "caller", "how"}` from its handlers. All other lines, and
stderr, are its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

LONGEST_LINE = 1 << 24
"""Bytes; payloads are sent as JSON."""
PATIENCE = 45.0
"""Seconds for requests without a timeout of their own."""
LONG = 40.0
"""Timeout of calls that end for another reason, in seconds; less than `PATIENCE`."""
SHOWN = 200
"""Characters of a message shown in a program's history."""
SHOWN_LINES = 20
"""Last lines of the log in the error of a program that ended."""
END_GRACE = 5.0
"""Seconds for a program to end once its stdin is closed."""

Message = dict[str, Any]


class CallError(Exception):
    """A program's call failed with an RpcError."""

    def __init__(self, code: int, message: str, data: str | None) -> None:
        super().__init__(f"{code} {message!r} {data!r}")
        self.code = code
        self.message = message
        self.data = data


class PeerError(Exception):
    """A program's request failed with an error other than RpcError, or the program ended."""


class PeerProgram:
    """A running program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._error: PeerError | None = None
        self._members: dict[str, Participant] = {}
        self._last_id = 0
        self.log: list[str] = []
        self.history: list[str] = []
        """Messages to and from the program with their times, to diagnose failures."""
        self._serving = asyncio.create_task(self._serve())

    @classmethod
    @asynccontextmanager
    async def run(cls, *command: str, environment: Mapping[str, str]) -> AsyncGenerator[PeerProgram]:
        """Run a program. At the end its stdin is closed; it is killed if it does not exit."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, limit=LONGEST_LINE, env=dict(environment)
        )
        program = cls(process)
        try:
            yield program
        finally:
            await program._end()

    async def join(self, url: str, token: str, **options: str) -> Participant:
        """Have the program join a room with a new participant."""
        identity = await self.ask("join", url=url, token=token, **options)
        return self._members.setdefault(identity, Participant(self, identity))

    def send(self, do: str, **arguments: object) -> tuple[int, asyncio.Future[Any]]:
        """Send a request and return its number and the future of its reply."""
        self.check()
        assert self._process.stdin is not None
        self._last_id += 1
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[self._last_id] = reply
        line = json.dumps({"id": self._last_id, "do": do, **arguments}).encode() + b"\n"
        self._process.stdin.write(line)
        self._record("to", line)
        return self._last_id, reply

    async def ask(self, do: str, **arguments: object) -> Any:
        """Send a request and wait for its reply."""
        _, reply = self.send(do, **arguments)
        return await asyncio.wait_for(reply, PATIENCE)

    @property
    def has_ended(self) -> bool:
        """True once it answers no more."""
        return self._error is not None

    def check(self) -> None:
        """Raise PeerError if the program has ended."""
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        self._process.kill()

    def finish(self) -> None:
        """Let the program end, by closing its stdin."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _serve(self) -> None:
        """Read until the program ends, then fail whatever waits for it."""
        reading_log = asyncio.create_task(self._read_log())
        try:
            await self._read_messages()
        finally:
            await asyncio.wait({reading_log}, timeout=END_GRACE)  # its children may keep stderr open
            reading_log.cancel()
            self._error = PeerError("the program ended:\n" + "\n".join(self.log[-SHOWN_LINES:]))
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(self._error)
                    reply.exception()  # retrieved: the test may not await it any more
            for member in self._members.values():
                async with member.changed:
                    member.changed.notify_all()

    async def _read_messages(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = _parse(line)
            self._record("from", line)
            if "reply" in message:
                self._replied(message)
            elif "event" in message:
                await self._happened(message)
            else:
                self._logged(line)

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._logged(line)

    def _logged(self, line: bytes) -> None:
        self.log.append(line.decode(errors="replace").rstrip())

    def _record(self, direction: str, line: bytes) -> None:
        text = line[:SHOWN].decode(errors="replace").rstrip()
        self.history.append(f"{time.monotonic():.3f} {direction} {text}")

    def _replied(self, message: Message) -> None:
        reply = self._replies.pop(message["reply"])
        error = message.get("error")
        if reply.done():
            return
        if error is None:
            reply.set_result(message["value"])
        elif error["type"] == "RpcError":
            reply.set_exception(CallError(error["code"], error["message"], error["data"]))
        else:
            reply.set_exception(PeerError(f"{error['type']}: {error['message']}"))

    async def _happened(self, message: Message) -> None:
        member = self._members.get(message["who"])
        if member is not None:
            async with member.changed:
                member.events.append(message)
                member.changed.notify_all()

    async def _end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_GRACE)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._serving


@dataclass(eq=False)
class Participant:
    """A participant in a program."""

    program: PeerProgram
    identity: str
    events: list[Message] = field(default_factory=list[Message])
    """The events of its handlers, oldest first."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listed(self, other: Participant) -> None:
        """Wait until it lists another participant."""
        await self.program.ask("listed", who=self.identity, other=other.identity)

    async def gone(self, other: Participant) -> None:
        """Wait until it no longer lists another participant."""
        await self.program.ask("gone", who=self.identity, other=other.identity)

    def start_call(self, to: str, method: str, payload: str = "", timeout: float | None = None) -> Call:
        """Start a call. `timeout` is in seconds; None for the SDK's default."""
        number, reply = self.program.send(
            "call", who=self.identity, to=to, method=method, payload=payload, timeout=timeout
        )
        return Call(self.program, number, reply)

    async def call(self, to: Participant, method: str, payload: str = "", timeout: float | None = None) -> str:
        """Make a call. Raises CallError."""
        return await self.start_call(to.identity, method, payload, timeout).outcome()

    async def handled(self, event: str, method: str, caller: Participant, since: int = 0) -> Message:
        """Wait until a handler for a caller started or ended, among the events from `since` on."""

        def found() -> Message | None:
            wanted = {"event": event, "method": method, "caller": caller.identity}
            return next((seen for seen in self.events[since:] if wanted.items() <= seen.items()), None)

        return await self._until(found)

    async def do(self, what: str, **arguments: object) -> None:
        """Send a request without a result."""
        await self.program.ask(what, who=self.identity, **arguments)

    async def got(self, content: bytes, **wanted: object) -> Message:
        """Wait until it received a packet or stream with this content, compared by digest."""
        wanted.update(event="got", size=len(content), digest=hashlib.sha256(content).hexdigest())

        def found() -> Message | None:
            return next((seen for seen in self.events if wanted.items() <= seen.items()), None)

        return await self._until(found)

    async def _until(self, found: Callable[[], Message | None]) -> Message:
        """Wait until `found` returns an event. Raises PeerError if the program ends."""
        async with self.changed:
            waiting = self.changed.wait_for(lambda: found() is not None or self.program.has_ended)
            await asyncio.wait_for(waiting, PATIENCE)
        seen = found()
        if seen is None:
            self.program.check()
        assert seen is not None
        return seen

    async def leave(self) -> None:
        await self.program.ask("leave", who=self.identity)


@dataclass(frozen=True)
class Call:
    """A call made by a program."""

    program: PeerProgram
    number: int
    reply: asyncio.Future[Any]

    async def outcome(self) -> str:
        """Return the response. Raises CallError."""
        return cast(str, await asyncio.wait_for(self.reply, PATIENCE))

    async def cancel(self) -> None:
        """Cancel the task that awaits the call (Python programs only)."""
        await self.program.ask("cancel", call=self.number)
        with contextlib.suppress(PeerError):
            await self.outcome()
        self.program.check()


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return cast(Message, message) if isinstance(message, dict) else {}
