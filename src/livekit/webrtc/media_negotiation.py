"""The transceivers of a peer connection in its offers and answers (RFC 8829 sections 5.2, 5.3 and 5.10)."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence

from .codec_matching import is_same_codec, negotiate_codecs
from .media_interfaces import Codec, Direction, MediaKind
from .media_sections import LocalMedia, RemoteMedia, read_media, write_media
from .negotiation import unused_mid
from .rtp.header_extensions import MID_URI, REPAIRED_RID_URI, RID_URI
from .sdp import MediaSection, SdpError
from .transceiver import PacketSender, RtcTransceiver

__all__ = ["MediaNegotiation"]

IDENTIFYING_EXTENSIONS = (MID_URI, RID_URI, REPAIRED_RID_URI)
RESERVED_ID = 15
"""Must not be used by the one-byte form (RFC 8285 section 4.2)."""


class MediaNegotiation:
    """All transceivers, and the media sections that they have in local descriptions."""

    def __init__(self, sender: PacketSender) -> None:
        self._sender = sender
        self._transceivers: list[RtcTransceiver] = []
        self._extension_ids: dict[str, int] = {}
        self._cname = secrets.token_urlsafe(12)

    @property
    def transceivers(self) -> list[RtcTransceiver]:
        """All transceivers, those with a section first, in the order of sections."""
        return sorted(self._transceivers, key=lambda each: (each.index is None, each.index or 0))

    def add(
        self, kind: MediaKind, direction: Direction, codecs: Sequence[Codec], extensions: Sequence[str] = ()
    ) -> RtcTransceiver:
        """Add a transceiver without a section."""
        transceiver = RtcTransceiver(kind, direction, codecs, extensions, self._sender)
        self._transceivers.append(transceiver)
        return transceiver

    # Offers

    def add_sections(self, sections: list[MediaSection]) -> list[str]:
        """Append sections for the transceivers that have none, and return their mids.

        Raises:
            SdpError: A transceiver has no codecs.
        """
        if not all(transceiver.codecs for transceiver in self._transceivers):
            raise SdpError("each transceiver needs at least one codec")
        mids: list[str] = []
        for transceiver in self._transceivers:
            if transceiver.index is None:
                mid = unused_mid(sections)
                transceiver.mid, transceiver.index = mid, len(sections)
                sections.append(write_media(self._offered(transceiver, mid)))
                mids.append(mid)
        return mids

    def offered_sections(self) -> dict[str, MediaSection]:
        """Return the sections of an offer by mid."""
        return {each.mid: write_media(self._offered(each, each.mid)) for each in self._transceivers if each.mid}

    def _offered(self, transceiver: RtcTransceiver, mid: str) -> LocalMedia:
        return LocalMedia(
            kind=transceiver.kind,
            mid=mid,
            direction=transceiver.direction,
            codecs=transceiver.codecs,
            extensions={uri: self._extension_id(uri) for uri in dict.fromkeys((MID_URI, *transceiver.extensions))},
            stream_id=transceiver.stream_id,
            ssrc=transceiver.ssrc,
            cname=self._cname_of(transceiver),
        )

    def _extension_id(self, uri: str) -> int:
        """Return the id of an extension, which is the same in all sections that share a transport (RFC 8285)."""
        if uri not in self._extension_ids:
            used = {RESERVED_ID, *self._extension_ids.values()}
            self._extension_ids[uri] = next(number for number in itertools.count(1) if number not in used)
        return self._extension_ids[uri]

    def _cname_of(self, transceiver: RtcTransceiver) -> str:
        stream_id = transceiver.stream_id
        return self._cname if stream_id is None or stream_id.stream == "-" else stream_id.stream

    def receive_answer(self, offered: Sequence[MediaSection], answered: Sequence[MediaSection]) -> None:
        """Apply the peer's answer to the last offer.

        Raises:
            SdpError: Its sections do not match those of the offer.
        """
        if len(answered) != len(offered):
            raise SdpError(f"an answer to {len(offered)} media sections must have as many, not {len(answered)}")
        answers: list[RemoteMedia | None] = []
        for section, answer in zip(offered, answered, strict=True):
            if (section.kind, section.mid) != (answer.kind, answer.mid or section.mid):
                raise SdpError(f"the answer to section {section.mid} is of another kind or mid")
            is_media = section.is_audio_or_video and answer.mid is not None
            answers.append(read_media(answer) if is_media else None)
        by_mid = {answer.mid: answer for answer in answers if answer is not None}
        for transceiver in self._transceivers:
            remote = by_mid.get(transceiver.mid or "")
            if remote is not None:
                self._apply_answer(transceiver, remote)

    def _apply_answer(self, transceiver: RtcTransceiver, remote: RemoteMedia) -> None:
        transceiver.remote = remote
        transceiver.current_direction = _common_direction(transceiver.direction, remote.direction)
        transceiver.current_codecs = [
            codec
            for codec in remote.codecs
            if any(is_same_codec(codec, ours, remote.codecs, transceiver.codecs) for ours in transceiver.codecs)
        ]
        offered = {MID_URI, *transceiver.extensions}
        transceiver.current_extensions = {uri: value for uri, value in remote.extensions.items() if uri in offered}

    # Answers

    def receive_offer(self, sections: Sequence[MediaSection], bundle: Sequence[str]) -> None:
        """Associate the peer's sections with transceivers; new ones get transceivers that are inactive.

        Raises:
            SdpError: A section is malformed.
        """
        remotes = {
            index: read_media(section)
            for index, section in enumerate(sections)
            if section.is_audio_or_video and section.mid in bundle
        }
        if len({remote.mid for remote in remotes.values()}) != len(remotes):
            raise SdpError("two media sections have the same mid")
        by_mid = {each.mid: each for each in self._transceivers if each.current_direction is not None}
        for remote in remotes.values():
            if (known := by_mid.get(remote.mid)) is not None and known.kind is not remote.kind:
                raise SdpError(f"section {remote.mid} has changed from {known.kind.value} to {remote.kind.value}")
        self._forget_sections({remote.mid for remote in remotes.values()})
        for index, remote in remotes.items():
            transceiver = by_mid.get(remote.mid)
            if transceiver is None:
                transceiver = RtcTransceiver(remote.kind, Direction.INACTIVE, remote.codecs, (), self._sender)
                self._transceivers.append(transceiver)
            elif transceiver.codecs is transceiver.remote_codecs:  # the application has not chosen any
                transceiver.codecs = remote.codecs
            transceiver.mid, transceiver.index, transceiver.remote = remote.mid, index, remote
            for uri, identifier in remote.extensions.items():
                if identifier not in self._extension_ids.values():
                    self._extension_ids.setdefault(uri, identifier)

    def _forget_sections(self, mids: set[str]) -> None:
        """Remove the section of transceivers whose offer was not answered, and transceivers whose section is gone."""
        for transceiver in self._transceivers:
            if transceiver.mid not in mids or transceiver.current_direction is None:
                if transceiver.current_direction is not None:
                    transceiver.direction = transceiver.current_direction = Direction.INACTIVE
                transceiver.mid = transceiver.index = None
        self._transceivers = [
            each for each in self._transceivers if each.mid is not None or each.current_direction is None
        ]

    def answer(self) -> dict[str, MediaSection]:
        """Return the sections of an answer by mid, and apply them: those without a common codec are left out."""
        sections: dict[str, MediaSection] = {}
        for transceiver in self._transceivers:
            if transceiver.remote is not None and transceiver.mid is not None:
                media = self._answered(transceiver, transceiver.remote)
                transceiver.current_direction = media.direction
                transceiver.current_codecs, transceiver.current_extensions = media.codecs, media.extensions
                if media.codecs:
                    sections[media.mid] = write_media(media)
        return sections

    def _answered(self, transceiver: RtcTransceiver, remote: RemoteMedia) -> LocalMedia:
        codecs = negotiate_codecs(transceiver.codecs, remote.codecs)
        accepted = {*IDENTIFYING_EXTENSIONS, *transceiver.extensions}
        direction = _common_direction(transceiver.direction, remote.direction) if codecs else Direction.INACTIVE
        return LocalMedia(
            kind=transceiver.kind,
            mid=remote.mid,
            direction=direction,
            codecs=codecs,
            extensions={uri: value for uri, value in remote.extensions.items() if uri in accepted},
            stream_id=transceiver.stream_id,
            ssrc=transceiver.ssrc,
            cname=self._cname_of(transceiver),
            rids=remote.rids,
            has_reduced_size_rtcp=remote.has_reduced_size_rtcp,
            allows_mixed_extensions=remote.allows_mixed_extensions,
        )


def _common_direction(local: Direction, remote: Direction) -> Direction:
    """Return the local direction as far as the peer's allows it."""
    return Direction.of(sends=local.sends and remote.receives, receives=local.receives and remote.sends)
