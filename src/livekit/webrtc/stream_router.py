"""Attribution of received RTP packets to media sections by ssrc, mid and rid, and payload type (RFC 8843 section 9.2).

An ssrc belongs to the section that a description lists it in, or to the one that its first packet names. It stays there
until that section ends: a packet that names another section does not move it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .rtp.header_extensions import MID_URI, REPAIRED_RID_URI, RID_URI, decode_extensions
from .rtp.packet import RtpPacket
from .transceiver import RtcTransceiver

__all__ = ["MAX_LEARNED_SSRCS", "StreamRouter"]

MAX_LEARNED_SSRCS = 64
"""Sources per section that were bound by their packets; the oldest is forgotten for a new one."""


class _Section:
    """A section that receives, and what identifies its streams."""

    def __init__(self, transceiver: RtcTransceiver) -> None:
        remote = transceiver.remote
        self.transceiver = transceiver
        self.mid = transceiver.mid
        self.rids = frozenset(transceiver.remote_rids)
        self.signalled = () if remote is None else remote.ssrcs
        self.stream = (transceiver.mid, transceiver.remote_stream_id, self.rids)
        self.payload_types = frozenset(codec.payload_type for codec in transceiver.current_codecs)
        self.learned: dict[int, str] = {}
        self.guessed: set[int] = set()
        """Learned from the payload type alone, which an early packet of a section to be described has too."""


class StreamRouter:
    """The streams of one peer connection."""

    def __init__(self) -> None:
        self._streams: dict[int, tuple[RtcTransceiver, str]] = {}
        self._sections: dict[str, _Section] = {}
        self._extension_ids: dict[str, tuple[int, ...]] = {}

    def update(self, transceivers: Iterable[RtcTransceiver]) -> None:
        """Take over the negotiated sections. Sources learned for a section that ended or was reused are forgotten."""
        previous, self._sections, self._streams = self._sections, {}, {}
        receiving = [each for each in transceivers if each.current_direction and each.current_direction.receives]
        owners: dict[int, str | None] = {}
        for each in receiving:
            for ssrc in () if each.remote is None else each.remote.ssrcs:
                owners.setdefault(ssrc, each.mid)
        for transceiver in receiving:
            section = _Section(transceiver)
            self._sections[transceiver.mid or ""] = section
            known = previous.get(transceiver.mid or "")
            if known is not None and known.stream == section.stream and known.transceiver is transceiver:
                section.guessed = {ssrc for ssrc in known.guessed if owners.get(ssrc, known.mid) == known.mid}
                section.learned = {
                    ssrc: rid
                    for ssrc, rid in known.learned.items()
                    if ssrc in section.guessed or ssrc not in known.guessed
                }
                for ssrc, rid in section.learned.items():
                    self._streams[ssrc] = (transceiver, rid)
        for section in self._sections.values():
            if not section.rids:  # with rids, a signalled ssrc does not say which of them it is
                for ssrc in section.signalled:
                    self._streams.setdefault(ssrc, (section.transceiver, ""))
        for uri in (MID_URI, RID_URI, REPAIRED_RID_URI):
            ids = {each.current_extensions.get(uri) for each in receiving} - {None}
            self._extension_ids[uri] = tuple(identifier for identifier in ids if identifier is not None)

    def route(self, packet: RtpPacket) -> tuple[RtcTransceiver, str] | None:
        """Return the transceiver and the rid of a packet; None if it belongs to no section that receives."""
        return self._streams.get(packet.ssrc) or self._learn(packet)

    def _learn(self, packet: RtpPacket) -> tuple[RtcTransceiver, str] | None:
        extensions = {identifier: data for identifier, data in decode_extensions(packet).items() if data}
        mid = self._text(extensions, MID_URI)
        rid = self._text(extensions, RID_URI) or self._text(extensions, REPAIRED_RID_URI)
        section = self._section(mid, rid, packet.payload_type)
        if section is None or (section.rids and rid not in section.rids):
            return None
        if not section.rids:
            rid = ""
        if len(section.learned) >= MAX_LEARNED_SSRCS:
            oldest = next(iter(section.learned))
            del section.learned[oldest]
            self._streams.pop(oldest, None)
            section.guessed.discard(oldest)
        section.learned[packet.ssrc] = rid
        if not mid and not rid:
            section.guessed.add(packet.ssrc)
        stream = self._streams[packet.ssrc] = (section.transceiver, rid)
        return stream

    def _section(self, mid: str, rid: str, payload_type: int) -> _Section | None:
        if mid:
            return self._sections.get(mid)
        if rid:
            return _only(section for section in self._sections.values() if rid in section.rids)
        return _only(section for section in self._sections.values() if payload_type in section.payload_types)

    def _text(self, extensions: dict[int, bytes], uri: str) -> str:
        for identifier in self._extension_ids.get(uri, ()):
            data = extensions.get(identifier)
            if data is not None:
                return data.decode("utf-8", "replace")
        return ""


def _only(sections: Iterable[_Section]) -> _Section | None:
    """Return the section if there is exactly one."""
    found: Sequence[_Section] = list(sections)
    return found[0] if len(found) == 1 else None
