"""What works while a server runs: the rooms, and what goes by what happens in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .agents import Agents
from .auth import TokenAuthority
from .events import RoomObserver
from .room import RoomSettings
from .room_manager import RoomManager
from .tasks import OwnedTasks
from .webhooks import WebhookSender, WebhookSettings

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Components:
    """Made by `assemble` for each time that a server runs."""

    clock: Clock
    rooms: RoomManager
    agents: Agents
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
        """Assemble the components; `observer` learns first what happens in the rooms."""
        epoch = time.time() - clock()
        key = webhook_settings.api_key or next(iter(authority.keys))
        webhooks = WebhookSender(webhook_settings, sign=partial(authority.sign_body, key), epoch=epoch)
        rooms = RoomManager(
            settings=room_settings,
            epoch=epoch,
            refresh_token=authority.refresh,
            observers=[observer, webhooks.observe],
        )
        agents = Agents(rooms, authority.join_token)
        rooms.observe(lambda event: agents.observe(event, clock()))
        return cls(clock, rooms, agents, webhooks)

    def start(self, tasks: OwnedTasks) -> None:
        """Begin with what works in the background."""
        self.webhooks.start(tasks)

    def tick(self) -> None:
        """Notice what takes too long; call it about once a second."""
        self.rooms.tick(self.clock())
        self.agents.tick(self.clock())

    def close(self) -> None:
        """Put everybody out. What is still to be told to others is told in the background."""
        self.rooms.close(self.clock())
        self.agents.close()
        self.webhooks.finish()
