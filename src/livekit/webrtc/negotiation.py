"""JSEP: reading remote and writing local descriptions (RFC 8829, 8841, 8842, 9143).

Media sections that no transceiver describes are answered as inactive and stay in the BUNDLE group, so that a later
offer may use them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .certificate import HASHES, Fingerprint
from .ice import Candidate, Credentials
from .sdp import PACKET_SIZE, Attributes, MediaSection, SdpError, SessionDescription

__all__ = ["LocalParameters", "RemoteParameters", "data_media_section", "describe", "read_remote", "unused_mid"]

SCTP_PORT = 5000
DISCARD_PORT = 9
"""The port of an m-line whose transport addresses are candidates (RFC 8840 section 4.1.1)."""
MEDIA_FORMAT_ATTRIBUTES = frozenset({"rtpmap", "fmtp", "extmap"})
"""Attributes that inactive sections repeat; libwebrtc does not offer extensions again that an answer has left out."""
NO_MEDIA: Mapping[str, MediaSection] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteParameters:
    """Transport parameters of the peer's data channels."""

    mid: str
    index: int
    credentials: Credentials
    is_ice_lite: bool
    fingerprints: Sequence[Fingerprint]
    setup: str
    sctp_port: int
    max_message_size: int
    max_packet_size: int
    """Bytes of the longest SCTP packet that the peer accepts; 0 if it is not announced."""
    candidates: Sequence[Candidate]


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalParameters:
    """Transport parameters of the local side."""

    credentials: Credentials
    fingerprint: Fingerprint
    setup: str
    candidates: Sequence[Candidate]
    end_of_candidates: bool
    """Gathering is complete (RFC 8838 section 14)."""
    max_message_size: int
    max_packet_size: int = 0
    """Bytes of the longest SCTP packet that is accepted; 0 to announce none."""


def read_remote(description: SessionDescription, *, is_offer: bool) -> RemoteParameters:
    """Return the transport parameters of a remote description.

    Raises:
        SdpError: a required attribute is missing or malformed; the message names it.
    """
    index, data = description.data_section()
    # RFC 9143 section 7.1.3: the transport attributes of bundled sections may be in the tagged section only.
    sections = [data, *_tagged_section(description, data)]
    credentials = next((c for section in sections if (c := section.credentials)), None)
    if credentials is None:
        raise SdpError("the description lacks ICE credentials (a=ice-ufrag and a=ice-pwd)")
    fingerprints = next((f for section in sections if (f := section.fingerprints)), None)
    if fingerprints is None or not any(f.algorithm in HASHES for f in fingerprints):
        raise SdpError(f"the description lacks an a=fingerprint with {', '.join(HASHES)}")
    setup = next((s for section in sections if (s := section.setup)), None)
    if setup is None or (setup == "actpass" and not is_offer):
        required = "a=setup" if setup is None else "a=setup:active or a=setup:passive, required in an answer"
        raise SdpError(f"the description lacks {required}")
    sctp_port = data.sctp_port
    if sctp_port is None:
        raise SdpError("the data-channel section of the description lacks a=sctp-port")
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
        candidates=[candidate for section in sections for candidate in section.candidates],
    )


def data_media_section(mid: str = "0") -> MediaSection:
    """Return the data-channel section of an initial offer."""
    attributes = Attributes([("mid", mid)])
    return MediaSection("application", DISCARD_PORT, "UDP/DTLS/SCTP", ["webrtc-datachannel"], attributes)


def unused_mid(sections: Sequence[MediaSection]) -> str:
    """Return the mid for a section to be appended: its position, or the next number that is not in use."""
    used = {section.mid for section in sections}
    return next(mid for number in range(len(sections), 2 * len(sections) + 1) if (mid := str(number)) not in used)


def describe(
    sections: Sequence[MediaSection],
    local: LocalParameters,
    *,
    session_id: int,
    version: int,
    bundle: Collection[str],
    media: Mapping[str, MediaSection] = NO_MEDIA,
) -> SessionDescription:
    """Return a local offer or answer with `sections`, those of the last description or an initial `data_media_section`.

    `bundle` has the mids of the BUNDLE group. A media section outside the group would need its own transport and
    is rejected. `media` has formats and attributes of audio and video sections by mid, without those of the transport;
    other media sections are inactive.
    """
    description = SessionDescription.new(session_id, version)
    described = [
        _accept(section, local, media.get(section.mid or ""))
        if section.is_data_channel or section.mid in bundle
        else _reject(section)
        for section in sections
    ]
    accepted = [section for section in described if section.port]
    if bundle:
        description.attributes.add("group", " ".join(["BUNDLE", *(section.mid or "" for section in accepted)]))
    description.attributes.add("ice-options", "trickle")
    if accepted:
        tagged = accepted[0] if bundle else next(section for section in accepted if section.is_data_channel)
        for candidate in local.candidates:
            tagged.attributes.add("candidate", str(candidate).removeprefix("candidate:"))
        if local.end_of_candidates:
            tagged.attributes.add("end-of-candidates")
    description.media = described
    return description


def _reject(remote: MediaSection) -> MediaSection:
    """Return a rejected section, with port 0 (RFC 8829 section 5.3.1)."""
    local = MediaSection(remote.kind, 0, remote.protocol, list(remote.formats))
    local.other_lines.append("c=IN IP4 0.0.0.0")
    if remote.mid is not None:
        local.attributes.add("mid", remote.mid)
    if _is_media(remote):
        local.attributes.add("inactive")
    return local


def _is_media(section: MediaSection) -> bool:
    return "RTP/" in section.protocol


def _accept(remote: MediaSection, parameters: LocalParameters, media: MediaSection | None) -> MediaSection:
    """Return the local section for `remote`, rejected if that is itself rejected or neither media nor data channels."""
    local = _reject(remote)
    if remote.is_rejected or not (remote.is_data_channel or _is_media(remote)):
        return local
    local.port = DISCARD_PORT
    attributes = local.attributes
    if media is not None:
        local.formats, attributes.items = media.formats, media.attributes.items.copy()
    attributes.add("ice-ufrag", parameters.credentials.ufrag)
    attributes.add("ice-pwd", parameters.credentials.password)
    attributes.add("fingerprint", f"{parameters.fingerprint.algorithm} {parameters.fingerprint.value}")
    attributes.add("setup", parameters.setup)
    if remote.is_data_channel:
        attributes.add("sctp-port", SCTP_PORT)
        attributes.add("max-message-size", parameters.max_message_size)
        if parameters.max_packet_size:
            attributes.add(PACKET_SIZE, parameters.max_packet_size)
    elif media is None:
        attributes.add("rtcp-mux")
        attributes.items += [item for item in remote.attributes.items if item[0] in MEDIA_FORMAT_ATTRIBUTES]
    return local


def _tagged_section(description: SessionDescription, data: MediaSection) -> list[MediaSection]:
    """Return the first section of the BUNDLE group, which carries the transport, unless it is `data` itself."""
    mids = description.bundled_mids()
    if data.mid not in mids:
        return []
    return [section for section in description.media if section.mid == mids[0] and section is not data]
