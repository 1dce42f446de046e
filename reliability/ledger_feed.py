"""Feeds the events of worker processes into a call ledger."""

from __future__ import annotations

from collections.abc import Callable

from livekit.testing import CallLedger

from .peers import Event


class LedgerFeed:
    """Records the events of any number of workers."""

    def __init__(self, ledger: CallLedger) -> None:
        self.ledger = ledger
        self.watchers: list[Callable[[Event], None]] = []
        """Callbacks that also receive every event."""
        self._handlers: dict[str, Callable[[Event], None]] = {
            "started": lambda event: ledger.started(event["call"], event["budget"]),
            "settled": lambda event: ledger.settled(event["call"], event["outcome"], event["seconds"]),
            "invoked": lambda event: ledger.invoked(event["call"], event["request"]),
            "ended": lambda event: ledger.ended(event["call"], event["how"]),
        }

    def take(self, event: Event) -> None:
        handler = self._handlers.get(event["event"])
        if handler is not None:
            handler(event)
        for watcher in self.watchers:
            watcher(event)
