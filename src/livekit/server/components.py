"""The components of a running server: its rooms, and the consumers of their events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .agents import AgentHandler
from .auth import TokenAuthority
from .events import RoomObserver
from .room import RoomSettings
from .room_manager import RoomManager
from .tasks import OwnedTasks
from .webhooks import WebhookSender, WebhookSettings

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Components:
    """Rooms, agents and webhooks; assembled at each start of a server."""

    clock: Clock
    rooms: RoomManager
    agents: AgentHandler
    webhooks: WebhookSender

    @classmethod
    def assemble(
        cls,
        authority: TokenAuthority,
        clock: Clock,
        *,
        room_settings: RoomSettings | None,
        webhook_settings: WebhookSettings,
        observer: RoomObserver,
    ) -> Components:
        """Create and connect the components; `observer` receives each room event first."""
        epoch = time.time() - clock()
        key = webhook_settings.api_key or next(iter(authority.keys))
        webhooks = WebhookSender(webhook_settings, sign=partial(authority.sign_body, key), epoch=epoch)
        rooms = RoomManager(
            settings=room_settings,
            epoch=epoch,
            refresh_token=authority.refresh,
            observers=[observer, webhooks.observe],
        )
        agents = AgentHandler(rooms, authority.join_token)
        rooms.observe(lambda event: agents.observe(event, clock()))
        return cls(clock, rooms, agents, webhooks)

    def start(self, tasks: OwnedTasks) -> None:
        """Start the background tasks."""
        self.webhooks.start(tasks)

    def tick(self) -> None:
        """Expire timeouts; call it about once per second."""
        self.rooms.tick(self.clock())
        self.agents.tick(self.clock())

    def close(self) -> None:
        """Close all rooms. Pending webhooks are delivered in the background."""
        self.rooms.close(self.clock())
        self.agents.close()
        self.webhooks.finish()
