"""The environment that the page's blocks assume: a room with another participant in it."""

from __future__ import annotations

import asyncio
import json

import pytest

from livekit import Room, RpcError
from livekit.testing import TokenServer
from tests.rpc_docs.page import Namespace, block
from tests.support.rooms import Join, listed

LOCAL = "local-user"
REMOTE = "remote-user"
"""The name that the page uses."""
ADMIN = "admin-user"


def is_admin(identity: str) -> bool:
    return identity == ADMIN


def get_role(identity: str) -> str:
    return "admin" if is_admin(identity) else "guest"


@pytest.fixture
async def room(join: Join) -> Room:
    """The room of the page's `local` participant."""
    return await join(LOCAL)


@pytest.fixture
async def remote(room: Room, join: Join) -> Room:
    """The room of the second participant; both list each other."""
    remote = await join(REMOTE)
    await listed(remote, LOCAL)
    await listed(room, REMOTE)
    return remote


@pytest.fixture
async def namespace(room: Room, remote: Room, server: TokenServer, room_name: str) -> Namespace:
    names: Namespace = {
        "room": room,
        "local": room.local_participant,
        "url": server.url,
        "token": server.token("somebody-else", room=room_name),
        "dest": REMOTE,
        "asyncio": asyncio,
        "json": json,
        "RpcError": RpcError,
        "is_admin": is_admin,
        "get_role": get_role,
        "__name__": "the_page",
    }
    return await block("imports").run(names)
