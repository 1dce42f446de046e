"""Offers and answers of a data-channel connection (RFC 8829, 8841, 8842, 9143): what they must say, and writing them.

The peer's media sections are answered as inactive and stay in the bundle, so that a later offer may still use them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .certificate import HASHES, Fingerprint
from .ice import Candidate, Credentials
from .sdp import PACKET_SIZE, Attributes, MediaSection, SdpError, SessionDescription

__all__ = ["LocalParameters", "RemoteParameters", "data_media_section", "describe", "read_remote"]

SCTP_PORT = 5000
DISCARD_PORT = 9
"""RFC 8840 section 4.1.1: the port of an m-line whose addresses are candidates."""
MEDIA_FORMAT_ATTRIBUTES = frozenset({"rtpmap", "fmtp"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteParameters:
    """What a peer's description says about the transport of its data channels."""

    mid: str
    index: int
    credentials: Credentials
    is_ice_lite: bool
    fingerprints: Sequence[Fingerprint]
    setup: str
    sctp_port: int
    max_message_size: int
    max_packet_size: int
    """SCTP packets that the peer takes; 0 if it does not say."""
    candidates: Sequence[Candidate]


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalParameters:
    """The same of our side."""

    credentials: Credentials
    fingerprint: Fingerprint
    setup: str
    candidates: Sequence[Candidate]
    gathered: bool
    """No more candidates will follow."""
    max_message_size: int
    max_packet_size: int = 0
    """SCTP packets that we take; 0 to say nothing."""


def read_remote(description: SessionDescription, *, is_offer: bool) -> RemoteParameters:
    """What we need from a description.

    Raises:
        SdpError: names what is missing.
    """
    index, data = description.data_section()
    # RFC 9143 section 7.1.3: bundled sections may leave their transport to the first of the group.
    places = [data, *_tagged_section(description, data)]
    credentials = next((c for section in places if (c := section.credentials)), None)
    if credentials is None:
        raise SdpError("the description has no ICE credentials (a=ice-ufrag and a=ice-pwd)")
    fingerprints = next((f for section in places if (f := section.fingerprints)), None)
    if fingerprints is None or not any(f.algorithm in HASHES for f in fingerprints):
        raise SdpError(f"the description has no a=fingerprint by {', '.join(HASHES)}")
    setup = next((s for section in places if (s := section.setup)), None)
    if setup is None or (setup == "actpass" and not is_offer):
        wanted = "a=setup" if setup is None else "a=setup:active or a=setup:passive, as an answer must"
        raise SdpError(f"the description lacks {wanted}")
    sctp_port = data.sctp_port
    if sctp_port is None:
        raise SdpError("the description of the data channels has no a=sctp-port")
    return RemoteParameters(
        mid=data.mid or str(index),
        index=index,
        credentials=credentials,
        is_ice_lite=description.is_ice_lite,
        fingerprints=fingerprints,
        setup=setup,
        sctp_port=sctp_port,
        max_message_size=data.max_message_size,
        max_packet_size=data.max_packet_size,
        candidates=[candidate for section in places for candidate in section.candidates],
    )


def data_media_section(mid: str = "0") -> MediaSection:
    """The m-line of a first offer."""
    attributes = Attributes([("mid", mid)])
    return MediaSection("application", DISCARD_PORT, "UDP/DTLS/SCTP", ["webrtc-datachannel"], attributes)


def describe(
    sections: Sequence[MediaSection], local: LocalParameters, *, session_id: int, version: int, bundle: Collection[str]
) -> SessionDescription:
    """Our offer or answer with these m-lines: the peer's last ones, or `data_media_section` at first.

    `bundle` has the mids of the BUNDLE group; a media section outside of it would need a transport of its own and is
    rejected.
    """
    description = SessionDescription.new(session_id, version)
    written = [
        _our_section(section, local) if section.is_data_channel or section.mid in bundle else _rejected(section)
        for section in sections
    ]
    taken = [section for section in written if section.port]
    if bundle:
        description.attributes.add("group", " ".join(["BUNDLE", *(section.mid or "" for section in taken)]))
    description.attributes.add("ice-options", "trickle")
    if taken:
        tagged = taken[0] if bundle else next(section for section in taken if section.is_data_channel)
        for candidate in local.candidates:
            tagged.attributes.add("candidate", str(candidate).removeprefix("candidate:"))
        if local.gathered:
            tagged.attributes.add("end-of-candidates")
    description.media = written
    return description


def _rejected(theirs: MediaSection) -> MediaSection:
    """RFC 8829 section 5.3.1: port 0."""
    ours = MediaSection(theirs.kind, 0, theirs.protocol, list(theirs.formats))
    ours.other_lines.append("c=IN IP4 0.0.0.0")
    if theirs.mid is not None:
        ours.attributes.add("mid", theirs.mid)
    if _is_media(theirs):
        ours.attributes.add("inactive")
    return ours


def _is_media(section: MediaSection) -> bool:
    return "RTP/" in section.protocol


def _our_section(theirs: MediaSection, local: LocalParameters) -> MediaSection:
    ours = _rejected(theirs)
    if theirs.is_rejected or not (theirs.is_data_channel or _is_media(theirs)):
        return ours
    ours.port = DISCARD_PORT
    attributes = ours.attributes
    attributes.add("ice-ufrag", local.credentials.ufrag)
    attributes.add("ice-pwd", local.credentials.password)
    attributes.add("fingerprint", f"{local.fingerprint.algorithm} {local.fingerprint.value}")
    attributes.add("setup", local.setup)
    if theirs.is_data_channel:
        attributes.add("sctp-port", SCTP_PORT)
        attributes.add("max-message-size", local.max_message_size)
        if local.max_packet_size:
            attributes.add(PACKET_SIZE, local.max_packet_size)
    else:
        attributes.add("rtcp-mux")
        attributes.items += [item for item in theirs.attributes.items if item[0] in MEDIA_FORMAT_ATTRIBUTES]
    return ours


def _tagged_section(description: SessionDescription, data: MediaSection) -> list[MediaSection]:
    mids = description.bundled_mids()
    if data.mid not in mids:
        return []
    return [section for section in description.media if section.mid == mids[0] and section is not data]
