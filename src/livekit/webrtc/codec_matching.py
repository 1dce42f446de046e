"""The codecs of a media section, and which codecs of two sides are the same (RFC 8866, RFC 3264 section 6.1).

Payload types are numbers of the offerer, so codecs are compared by name, clock rate, channels and format parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .media_interfaces import Codec
from .sdp import Attributes, MediaSection

__all__ = ["codec_attributes", "format_parameters", "is_same_codec", "negotiate_codecs", "read_codecs"]

STATIC_CODECS = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000), 13: ("CN", 8000)}
"""Payload types that need no a=rtpmap (RFC 3551 section 6)."""
MAX_CLOCK_RATE = 1_000_000
MAX_CHANNELS = 255
DEFAULT_H264_PROFILE = "42e01f"
"""What libwebrtc assumes without profile-level-id; the Baseline profile of RFC 6184 section 8.1 is not in use."""
H264_PROFILES = (
    ("constrained-baseline", 0x42, 0b0100_1111, 0b0100_0000),
    ("constrained-baseline", 0x4D, 0b1000_1111, 0b1000_0000),
    ("constrained-baseline", 0x58, 0b1100_1111, 0b1100_0000),
    ("baseline", 0x42, 0b0100_1111, 0),
    ("baseline", 0x58, 0b1100_1111, 0b1000_0000),
    ("main", 0x4D, 0b1010_1111, 0),
    ("high", 0x64, 0xFF, 0),
    ("constrained-high", 0x64, 0xFF, 0b0000_1100),
    ("predictive-high-444", 0xF4, 0xFF, 0),
)
"""Name, profile_idc, and mask and value of profile-iop (RFC 6184 table 5)."""


def read_codecs(section: MediaSection) -> list[Codec]:
    """Return the codecs of a section in its order; payload types that are malformed or lack an a=rtpmap are skipped."""
    maps, parameters = _by_format(section.attributes, "rtpmap"), _by_format(section.attributes, "fmtp")
    feedback: dict[str, list[str]] = {}
    for value in section.attributes.all("rtcp-fb"):
        payload_format, _, content = value.partition(" ")
        feedback.setdefault(payload_format, []).append(content.strip())
    codecs: dict[int, Codec] = {}
    for payload_format in section.formats:
        encoding = _encoding(payload_format, maps.get(payload_format, ""))
        if encoding is None or int(payload_format) in codecs:
            continue
        name, clock_rate, channels = encoding
        codecs[int(payload_format)] = Codec(
            payload_type=int(payload_format),
            name=name,
            clock_rate=clock_rate,
            channels=channels,
            parameters=parameters.get(payload_format, ""),
            feedback=(*feedback.get(payload_format, ()), *feedback.get("*", ())),
        )
    return list(codecs.values())


def _by_format(attributes: Attributes, name: str) -> dict[str, str]:
    """Return the values of an attribute that starts with a format, by format; the first of several counts."""
    values: dict[str, str] = {}
    for value in attributes.all(name):
        payload_format, _, content = value.partition(" ")
        values.setdefault(payload_format, content.strip())
    return values


def _encoding(payload_format: str, rtpmap: str) -> tuple[str, int, int] | None:
    """Return encoding name, clock rate and channels; None if the format is no payload type or its map is malformed."""
    payload_type = _number(payload_format, 127)
    if payload_type is None:
        return None
    if not rtpmap:
        known = STATIC_CODECS.get(payload_type)
        return None if known is None else (*known, 1)
    name, *rest = rtpmap.split("/")
    clock_rate = _number(rest[0], MAX_CLOCK_RATE) if rest else None
    channels = _number(rest[1], MAX_CHANNELS) if len(rest) > 1 else 1
    return (name, clock_rate, channels) if name and clock_rate and channels else None


def _number(text: str, limit: int) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= limit
    return int(text) if is_number else None


def codec_attributes(codec: Codec) -> list[tuple[str, str]]:
    """Return a codec's attributes in a media section."""
    payload_type, channels = codec.payload_type, f"/{codec.channels}" if codec.channels > 1 else ""
    attributes = [("rtpmap", f"{payload_type} {codec.name}/{codec.clock_rate}{channels}")]
    attributes += [("rtcp-fb", f"{payload_type} {feedback}") for feedback in codec.feedback]
    if codec.parameters:
        attributes.append(("fmtp", f"{payload_type} {codec.parameters}"))
    return attributes


def format_parameters(parameters: str) -> dict[str, str]:
    """Return the parameters of a=fmtp by name in lower case; those that are not of the form name=value are skipped."""
    pairs = (parameter.partition("=") for parameter in parameters.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def negotiate_codecs(local: Sequence[Codec], remote: Sequence[Codec]) -> list[Codec]:
    """Return the codecs of an answer: the local ones that the offer has too, in local order, as the offer numbers them.

    Codecs that refer to others by payload type (RTX, RED) are left out if the answer lacks those.
    """
    answer: dict[int, Codec] = {}
    for codec in local:
        for other in remote:
            if other.payload_type not in answer and is_same_codec(codec, other, local, remote):
                answer[other.payload_type] = Codec(
                    payload_type=other.payload_type,
                    name=other.name,
                    clock_rate=other.clock_rate,
                    channels=other.channels,
                    parameters=other.parameters if _references(other) else codec.parameters,
                    feedback=tuple(feedback for feedback in codec.feedback if feedback in other.feedback),
                )
                break
    return [codec for codec in answer.values() if all(number in answer for number in _references(codec))]


def is_same_codec(
    codec: Codec, other: Codec, codecs: Sequence[Codec] = (), others: Sequence[Codec] = (), *, depth: int = 1
) -> bool:
    """Return True if two codecs differ in payload type, feedback and negotiable parameters only.

    `codecs` and `others` are the sections' codecs, to which the payload types in the parameters of RTX refer.
    """
    name = codec.name.lower()
    if (name, codec.clock_rate, codec.channels) != (other.name.lower(), other.clock_rate, other.channels):
        return False
    if name == "rtx":
        repaired, also_repaired = _repaired(codec, codecs), _repaired(other, others)
        if repaired is None or also_repaired is None or not depth:
            return False
        return is_same_codec(repaired, also_repaired, codecs, others, depth=depth - 1)
    identify = _IDENTITIES.get(name)
    return identify is None or identify(format_parameters(codec.parameters)) == identify(
        format_parameters(other.parameters)
    )


def _references(codec: Codec) -> list[int]:
    """Return the payload types that a codec's parameters refer to (RFC 4588 section 8.6, RFC 2198 section 5)."""
    if codec.name.lower() == "rtx":
        numbers = [format_parameters(codec.parameters).get("apt", "")]
    elif codec.name.lower() == "red" and codec.parameters:
        numbers = codec.parameters.split("/")
    else:
        return []
    return [-1 if (number := _number(text.strip(), 127)) is None else number for text in numbers]


def _repaired(rtx: Codec, codecs: Sequence[Codec]) -> Codec | None:
    references = _references(rtx)
    return next((codec for codec in codecs if codec.payload_type in references), None)


def _h264_identity(parameters: Mapping[str, str]) -> tuple[str, ...]:
    mode = parameters.get("packetization-mode", "0")
    level_id = parameters.get("profile-level-id", DEFAULT_H264_PROFILE).lower()
    try:
        profile_idc, profile_iop, _ = bytes.fromhex(level_id)
    except ValueError:
        return mode, level_id
    for name, idc, mask, value in H264_PROFILES:
        if profile_idc == idc and profile_iop & mask == value:
            return mode, name
    return mode, level_id[:4]


_IDENTITIES: dict[str, Callable[[Mapping[str, str]], tuple[str, ...]]] = {
    "h264": _h264_identity,
    "h265": lambda parameters: (
        parameters.get("profile-id", "1"),
        parameters.get("tier-flag", "0"),
        parameters.get("tx-mode", "SRST").upper(),
    ),
    "vp9": lambda parameters: (parameters.get("profile-id", "0"),),
    "av1": lambda parameters: (parameters.get("profile", "0"),),
}
"""The parameters that make two formats of one name different codecs (RFC 6184, 7798, 9628; AV1 RTP section 7.2.3)."""
