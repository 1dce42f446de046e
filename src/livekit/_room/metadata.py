"""Updates of the local participant's own name, metadata and attributes."""

from __future__ import annotations

from livekit._util.arguments import check_attributes, check_str
from livekit.protocol import models, rtc

from .local_context import LocalParticipantMixin


class MetadataUpdater(LocalParticipantMixin):
    """Changes the local name, metadata and attributes. The token needs the grant canUpdateOwnMetadata.

    Each method waits for the server's response. The change is visible locally as soon as the method returns.

    Raises:
        RequestError: the server refused the update.
        RequestTimeoutError: the server did not respond within 5 s.
        SessionClosedError: the room is not connected.
        TypeError: the argument has the wrong type.
    """

    async def set_metadata(self, metadata: str) -> None:
        """Set the metadata, up to 512 KiB. The server treats empty metadata as no change."""
        check_str(metadata, "metadata")
        await self._update(rtc.UpdateParticipantMetadata(metadata=metadata))

    async def set_name(self, name: str) -> None:
        """Set the name, up to 256 bytes. The server treats an empty name as no change."""
        check_str(name, "name")
        await self._update(rtc.UpdateParticipantMetadata(name=name))

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        """Set these attributes and keep all others, up to 64 KiB in one call. An empty value deletes an attribute."""
        check_attributes(attributes)
        await self._update(rtc.UpdateParticipantMetadata(attributes=attributes))

    async def _update(self, update: rtc.UpdateParticipantMetadata) -> None:
        context = self._require_context()
        await context.requests.update_metadata(update)
        info = models.ParticipantInfo()
        info.CopyFrom(context.participants.local_info)
        info.name = update.name or info.name
        info.metadata = update.metadata or info.metadata
        for key, value in update.attributes.items():
            if value:
                info.attributes[key] = value
            else:
                info.attributes.pop(key, None)
        context.participants.update([info])
