"""The attributes of audio and video sections: reading the peer's and writing the local ones (RFC 8829, 8830, 8853)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .codec_matching import codec_attributes, read_codecs
from .media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from .sdp import Attributes, MediaSection, SdpError

__all__ = ["LocalMedia", "RemoteMedia", "read_media", "write_media"]

MEDIA_PROTOCOL = "UDP/TLS/RTP/SAVPF"
MAX_RIDS = 16
"""Streams of simulcast in one section."""
MAX_SIGNALLED_SSRCS = 64
"""Sources that one section may list; libwebrtc lists six for three layers with RTX."""
MAX_EXTENSION_ID = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteMedia:
    """A section of the peer's description."""

    kind: MediaKind
    mid: str
    direction: Direction = Direction.INACTIVE
    stream_id: MediaStreamId | None = None
    codecs: Sequence[Codec] = ()
    extensions: Mapping[str, int] = field(default_factory=dict[str, int])
    """Identifiers of header extensions by URI."""
    rids: Sequence[str] = ()
    """Streams of simulcast that the peer sends."""
    ssrcs: Sequence[int] = ()
    has_reduced_size_rtcp: bool = False
    allows_mixed_extensions: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalMedia:
    """A section of the local description."""

    kind: MediaKind
    mid: str
    direction: Direction
    codecs: Sequence[Codec]
    extensions: Mapping[str, int]
    stream_id: MediaStreamId | None = None
    """Described, with `ssrc` and `cname`, while the direction sends."""
    ssrc: int = 0
    cname: str = ""
    rids: Sequence[str] = ()
    """Streams of simulcast to receive."""
    has_reduced_size_rtcp: bool = True
    allows_mixed_extensions: bool = True


def read_media(section: MediaSection) -> RemoteMedia:
    """Return the peer's audio or video section.

    Raises:
        SdpError: It has no mid, or too many streams.
    """
    attributes = section.attributes
    if section.mid is None:
        raise SdpError("an audio or video section lacks a=mid")
    rids = _sent_rids(attributes)
    ssrcs = _ssrcs(attributes)
    if len(rids) > MAX_RIDS or len(ssrcs) > MAX_SIGNALLED_SSRCS:
        raise SdpError(f"section {section.mid} must not have over {MAX_RIDS} rids or {MAX_SIGNALLED_SSRCS} ssrcs")
    return RemoteMedia(
        kind=MediaKind(section.kind),
        mid=section.mid,
        direction=Direction.INACTIVE if section.is_rejected else Direction(section.direction),
        stream_id=_stream_id(attributes),
        codecs=read_codecs(section),
        extensions=_extensions(attributes),
        rids=rids,
        ssrcs=ssrcs,
        has_reduced_size_rtcp="rtcp-rsize" in attributes,
        allows_mixed_extensions="extmap-allow-mixed" in attributes or "extmap-allow-mixed" in section.session,
    )


def _stream_id(attributes: Attributes) -> MediaStreamId | None:
    values = [attributes.get("msid"), *(value for _, name, value in _ssrc_attributes(attributes) if name == "msid")]
    for value in values:
        fields = (value or "").split()
        if fields:
            return MediaStreamId(fields[0], fields[1] if len(fields) > 1 else "")
    return None


def _ssrc_attributes(attributes: Attributes) -> list[tuple[int, str, str]]:
    """Return the ssrc, name and value of the well-formed a=ssrc lines (RFC 5576 section 4.1)."""
    found: list[tuple[int, str, str]] = []
    for line in attributes.all("ssrc"):
        ssrc, _, attribute = line.partition(" ")
        name, _, value = attribute.partition(":")
        if ssrc.isascii() and ssrc.isdigit() and len(ssrc) <= 10 and int(ssrc) < 1 << 32:
            found.append((int(ssrc), name, value))
    return found


def _ssrcs(attributes: Attributes) -> list[int]:
    return list(dict.fromkeys(ssrc for ssrc, _, _ in _ssrc_attributes(attributes)))


def _sent_rids(attributes: Attributes) -> list[str]:
    """Return the rids with direction send (RFC 8851 section 4), without duplicates."""
    fields = (value.split() for value in attributes.all("rid"))
    return list(dict.fromkeys(parts[0] for parts in fields if len(parts) > 1 and parts[1] == "send"))


def _extensions(attributes: Attributes) -> dict[str, int]:
    """Return the ids of a=extmap by URI (RFC 8285 section 5); malformed ones, and uses of an id twice, are skipped."""
    extensions: dict[str, int] = {}
    for value in attributes.all("extmap"):
        fields = value.split()
        number = fields[0].partition("/")[0] if len(fields) > 1 else ""
        if not (number.isascii() and number.isdigit() and len(number) <= 3 and 1 <= int(number) <= MAX_EXTENSION_ID):
            continue
        if int(number) not in extensions.values():
            extensions.setdefault(fields[1], int(number))
    return extensions


def write_media(media: LocalMedia) -> MediaSection:
    """Return a section without the attributes of its transport."""
    attributes = Attributes([("mid", media.mid), (media.direction.value, "")])
    if media.allows_mixed_extensions:
        attributes.add("extmap-allow-mixed")
    for uri, identifier in media.extensions.items():
        attributes.add("extmap", f"{identifier} {uri}")
    attributes.add("rtcp-mux")
    if media.has_reduced_size_rtcp:
        attributes.add("rtcp-rsize")
    for codec in media.codecs:
        attributes.items += codec_attributes(codec)
    if media.rids and media.direction.receives:
        for rid in media.rids:
            attributes.add("rid", f"{rid} recv")
        attributes.add("simulcast", f"recv {';'.join(media.rids)}")
    if media.stream_id is not None and media.direction.sends:
        msid = f"{media.stream_id.stream} {media.stream_id.track}".rstrip()
        attributes.add("msid", msid)
        attributes.add("ssrc", f"{media.ssrc} cname:{media.cname}")
        attributes.add("ssrc", f"{media.ssrc} msid:{msid}")
    formats = [str(codec.payload_type) for codec in media.codecs]
    return MediaSection(media.kind.value, 9, MEDIA_PROTOCOL, formats, attributes)
