"""livekit-agents with this package in place of the official `livekit`; see docs/coexistence.md for the setup."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("AGENTS_PYTHON", ROOT / ".venvs" / "agents" / "bin" / "python"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not PYTHON.exists(), reason="needs an environment with livekit-agents; set AGENTS_PYTHON"),
]

IMPORTS = """
import json
from livekit import agents, rtc
import livekit.agents.voice.room_io, livekit.agents.voice.avatar, livekit.agents.jupyter, livekit.agents.cli
from livekit.agents.ipc.mock_room import create_mock_room
from livekit.agents.llm import ChatContext, ImageContent
from livekit.rtc._proto.track_pb2 import AudioTrackFeature
room = create_mock_room()
context = ChatContext.empty()
context.add_message(role="user", content=[
    ImageContent(image=rtc.VideoFrame(1, 1, rtc.VideoBufferType.RGBA, b"abcd")),
])
print(json.dumps({"agents": agents.__version__, "rtc": rtc.__file__, "isroom": isinstance(room, rtc.Room)}))
"""


def run(*arguments: str | Path) -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([PYTHON, *arguments], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_modules_of_livekit_agents_import() -> None:
    result = run("-c", IMPORTS)
    assert str(result["agents"]).startswith("1.")
    assert str(result["rtc"]).endswith("rtc.py"), "the official package is installed there"
    assert result["isroom"] is True


def test_worker_joins_and_responds() -> None:
    result = run(Path(__file__).with_name("worker.py"))
    assert result["kind"] == "PARTICIPANT_KIND_AGENT"
    assert result["answer"] == "caller: Answer briefly."
    assert result["text"] == ["agent", "welcome"]


def test_worker_registers_and_gets_jobs() -> None:
    result = run(Path(__file__).with_name("registered.py"))
    assert result["any"] == {"answer": "caller:  in agents", "kind": "PARTICIPANT_KIND_AGENT"}
    assert result["helper"] == {"answer": "caller: asked for in agents2", "left": True}


def test_text_session_replies() -> None:
    settings = [os.environ[name] for name in SETTINGS] if "LIVEKIT_URL" in os.environ else []
    result = run(Path(__file__).with_name("text_session.py"), *settings)
    assert result == {"any": "You said: hello", "helper": "You said: hello"}
