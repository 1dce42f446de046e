"""A voice `AgentSession` of livekit-agents and a user talk through the embedded server, or that of LIVEKIT_URL.

Agent and user each run with this package and with the official SDK.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from livekit.server import DevServer
from livekit.testing import RunningServer
from tests.support.processes import read_until, running

HERE = Path(__file__).parent
VENVS = HERE.parents[1] / ".venvs"
AGENT_PYTHONS = {
    "ours": Path(os.environ.get("AGENTS_PYTHON", VENVS / "agents/bin/python")),
    "official": Path(os.environ.get("OFFICIAL_AGENTS_PYTHON", VENVS / "agents-official/bin/python")),
}
PATIENCE = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("user", ["ours", "official"])
@pytest.mark.parametrize("agent", ["ours", "official"])
async def test_agent_hears_speaks_is_interrupted_and_ends(
    server: DevServer | RunningServer, room_name: str, request: pytest.FixtureRequest, agent: str, user: str
) -> None:
    python = AGENT_PYTHONS[agent]
    if not python.exists():
        pytest.skip(f"no environment with livekit-agents at {python}")
    user_python = sys.executable if user == "ours" else str(request.getfixturevalue("official_python"))
    settings = (server.url, server.api_key, server.api_secret)
    async with running(str(python), str(HERE / "voice_agent.py"), *settings) as session:
        await asyncio.wait_for(read_until(session, "ready"), PATIENCE)
        token = server.token("user", room=room_name)
        async with running(user_python, str(HERE / "voice_user.py"), server.url, token) as talking:
            out, err = await asyncio.wait_for(talking.communicate(), PATIENCE)
        assert talking.returncode == 0, err.decode()
        closed = await asyncio.wait_for(read_until(session, "reason"), PATIENCE)
    heard: dict[str, Any] = json.loads(out)
    assert heard["errors"] == []
    assert heard["sounds"] == 2, "the reply that was interrupted, and the next one; no gaps"
    assert heard["silence"] < 1.0
    assert heard["length"] == pytest.approx(1.0, abs=0.5)
    ended: dict[str, Any] = json.loads(closed.splitlines()[-1])
    assert (ended["reason"], ended["error"]) == ("participant_disconnected", "")
    assert [(item["role"], item["interrupted"]) for item in ended["items"]] == [
        ("user", False),
        ("assistant", True),
        ("user", False),
        ("assistant", False),
    ]
    assert ended["items"][-1]["text"] == "utterance 2"
    assert ended["states"].count("speaking") == 2
