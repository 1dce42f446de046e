# mypy: ignore-errors
# pyright: basic, reportMissingModuleSource=false, reportMissingImports=false, reportAttributeAccessIssue=false
"""A livekit-agents worker on the embedded server: joins a room, responds to calls, sends text. Prints the results.

Needs an environment with livekit-agents and this package, without the official `livekit`.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import api, rtc
from livekit.agents import Agent, AgentServer, AutoSubscribe, JobContext, JobExecutorType
from livekit.protocol import models
from livekit.server import DevServer

ROOM, TOPIC = "agents", "news"


async def entrypoint(ctx: JobContext) -> None:
    """Run an agent that uses neither audio nor video."""
    agent = Agent(instructions="Answer briefly.")
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)

    @ctx.room.local_participant.register_rpc_method("ask")
    async def ask(data: rtc.RpcInvocationData) -> str:
        return f"{data.caller_identity}: {agent.instructions}"

    caller = await ctx.wait_for_participant()
    await ctx.room.local_participant.send_text("welcome", topic=TOPIC, destination_identities=[caller.identity])


async def main() -> None:
    result: dict[str, object] = {"rtc": rtc.__file__}
    async with DevServer(port=0) as server:
        worker = AgentServer(
            job_executor_type=JobExecutorType.THREAD,
            ws_url=server.url,
            api_key=server.api_key,
            api_secret=server.api_secret,
            host="127.0.0.1",
            port=0,
            num_idle_processes=0,
        )
        worker.rtc_session(entrypoint)
        running = asyncio.create_task(worker.run(devmode=True, unregistered=True))
        started = asyncio.Event()
        worker.on("worker_started", started.set)
        await asyncio.wait({running, asyncio.ensure_future(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await worker.simulate_job(ROOM, agent_identity="agent", room_info=models.Room(name=ROOM, sid="RM_x"))

        room, text = rtc.Room(), asyncio.get_running_loop().create_future()

        def read(reader: rtc.TextStreamReader, sender: str) -> None:
            reading = asyncio.ensure_future(reader.read_all())
            reading.add_done_callback(lambda done: text.set_result([sender, done.result()]))

        room.register_text_stream_handler(TOPIC, read)
        token = api.AccessToken(server.api_key, server.api_secret).with_identity("caller")
        await room.connect(server.url, token.with_grants(api.VideoGrants(room_join=True, room=ROOM)).to_jwt())
        result["text"] = await asyncio.wait_for(text, 20)
        result["kind"] = rtc.ParticipantKind.Name(room.remote_participants["agent"].kind)
        result["answer"] = await room.local_participant.perform_rpc(
            destination_identity="agent", method="ask", payload="?"
        )
        await room.disconnect()
        await worker.aclose()
        await asyncio.gather(running, return_exceptions=True)
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
