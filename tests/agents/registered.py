# mypy: ignore-errors
# pyright: basic, reportMissingModuleSource=false, reportMissingImports=false, reportAttributeAccessIssue=false
"""A livekit-agents worker that registers with the embedded server and gets its jobs from it. Prints the results.

Needs an environment with livekit-agents and this package, without the official `livekit`.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import api, rtc
from livekit.agents import AgentServer, AutoSubscribe, JobContext, JobExecutorType
from livekit.protocol.agent_dispatch import CreateAgentDispatchRequest
from livekit.server import DevServer, RoomSettings
from livekit.server.events import RoomFinished

ROOM = "agents"


async def entrypoint(ctx: JobContext) -> None:
    """Respond with the metadata of the job."""
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)

    @ctx.room.local_participant.register_rpc_method("ask")
    async def ask(data: rtc.RpcInvocationData) -> str:
        return f"{data.caller_identity}: {ctx.job.metadata} in {ctx.job.room.name}"

    await ctx.wait_for_participant()
    await ctx.room.local_participant.set_attributes({"ready": "yes"})


async def ask(room: rtc.Room) -> str:
    """Wait for the agent and call it."""
    is_ready = asyncio.Event()
    room.on("participant_attributes_changed", lambda *_: is_ready.set())
    if not any(one.attributes.get("ready") for one in room.remote_participants.values()):
        await is_ready.wait()
    [helper] = room.remote_participants.values()
    return await room.local_participant.perform_rpc(destination_identity=helper.identity, method="ask", payload="?")


async def connect(server: DevServer, room_name: str) -> rtc.Room:
    room = rtc.Room()
    await room.connect(server.url, server.token("caller", room=room_name))
    return room


async def run(server: DevServer, name: str) -> dict[str, object]:
    worker = AgentServer(
        job_executor_type=JobExecutorType.THREAD,
        ws_url=server.url,
        api_key=server.api_key,
        api_secret=server.api_secret,
        host="127.0.0.1",
        port=0,
        num_idle_processes=0,
        load_fnc=lambda: 0.0,
    )
    worker.rtc_session(entrypoint, agent_name=name)
    registered = asyncio.Event()
    worker.on("worker_registered", lambda *_: registered.set())
    running = asyncio.create_task(worker.run(devmode=True))
    await asyncio.wait({running, asyncio.ensure_future(registered.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        return await (by_dispatch(server) if name else by_itself(server))
    finally:
        await worker.aclose()
        await asyncio.gather(running, return_exceptions=True)


async def by_itself(server: DevServer) -> dict[str, object]:
    """Check that an unnamed worker gets a job for every room."""
    room = await connect(server, ROOM)
    answer = await ask(room)
    [helper] = room.remote_participants.values()
    result: dict[str, object] = {"answer": answer, "kind": rtc.ParticipantKind.Name(helper.kind)}
    finished = asyncio.Event()
    server.rooms.observe(lambda event: finished.set() if isinstance(event, RoomFinished) else None)
    await room.disconnect()
    await finished.wait()
    return result


async def by_dispatch(server: DevServer) -> dict[str, object]:
    """Check that a named worker gets a job through explicit dispatch."""
    async with api.LiveKitAPI(server.url.replace("ws", "http", 1), server.api_key, server.api_secret) as lk:
        room = await connect(server, ROOM + "2")
        request = CreateAgentDispatchRequest(agent_name="helper", room=ROOM + "2", metadata="asked for")
        dispatch = await lk.agent_dispatch.create_dispatch(request)
        result: dict[str, object] = {"answer": await ask(room)}
        gone = asyncio.Event()
        room.on("participant_disconnected", lambda _: gone.set())
        await lk.agent_dispatch.delete_dispatch(dispatch.id, ROOM + "2")
        await gone.wait()
        result["left"] = not room.remote_participants
        await room.disconnect()
    return result


async def main() -> None:
    async with DevServer(port=0, room_settings=RoomSettings(departure_timeout=0)) as server:
        result = {name or "any": await asyncio.wait_for(run(server, name), 60) for name in ("", "helper")}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
