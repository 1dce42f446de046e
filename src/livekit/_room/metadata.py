"""What a local participant says of itself."""

from __future__ import annotations

from livekit.protocol import models, rtc

from .local_context import LocalComponent


class MetadataUpdater(LocalComponent):
    """Changes of our own name, metadata and attributes. They need the grant canUpdateOwnMetadata.

    Each waits for the server's answer and raises RequestError where it refuses, or `RequestTimeoutError` where it does
    not answer; SessionClosedError if the room is not connected. What was changed shows at once.
    """

    async def set_metadata(self, metadata: str) -> None:
        """Change the metadata; at most 512 KiB. A server takes empty metadata for no change."""
        await self._update(rtc.UpdateParticipantMetadata(metadata=metadata))

    async def set_name(self, name: str) -> None:
        """Change the name; at most 256 bytes. A server takes an empty name for no change."""
        await self._update(rtc.UpdateParticipantMetadata(name=name))

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        """Set these attributes and keep the others; an empty value deletes one. At most 64 KiB in all."""
        await self._update(rtc.UpdateParticipantMetadata(attributes=attributes))

    async def _update(self, update: rtc.UpdateParticipantMetadata) -> None:
        context = self._require_context()
        await context.requests.update_metadata(update)
        info = models.ParticipantInfo()
        info.CopyFrom(context.participants.local._info)
        info.name = update.name or info.name
        info.metadata = update.metadata or info.metadata
        for key, value in update.attributes.items():
            if value:
                info.attributes[key] = value
            else:
                info.attributes.pop(key, None)
        context.participants.update([info])
