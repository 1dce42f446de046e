"""Offers with media, answered by a stack that takes data only: media sections are answered as inactive.

They stay in the bundle (RFC 9143), with the transport of the data channels. Rejecting them would move the bundle from
its first section to another one, which Chromium survives by chance only.
"""

from __future__ import annotations


def _split(sdp: str) -> tuple[list[str], list[list[str]]]:
    session: list[str] = []
    sections: list[list[str]] = []
    for line in sdp.replace("\r\n", "\n").strip().split("\n"):
        if line.startswith("m="):
            sections.append([])
        (sections[-1] if sections else session).append(line)
    return session, sections


def _join(session: list[str], sections: list[list[str]]) -> str:
    return "\r\n".join([*session, *(line for section in sections for line in section)]) + "\r\n"


_KEPT = ("a=mid:", "a=rtpmap:", "a=fmtp:")
_TRANSPORT = ("a=ice-ufrag:", "a=ice-pwd:", "a=ice-options:", "a=fingerprint:", "a=setup:")
_CANDIDATES = ("a=candidate:", "a=end-of-candidates")


def _inactive(section: list[str]) -> list[str]:
    """The answer to a media section, but for its transport."""
    kind, port, *rest = section[0].split(" ")
    kept = [line for line in section[1:] if line.startswith(_KEPT)]
    if port == "0" and "a=bundle-only" not in section:  # not in use any more
        return [section[0], "c=IN IP4 0.0.0.0", "a=inactive", *kept]
    return [" ".join([kind, "9", *rest]), "c=IN IP4 0.0.0.0", "a=inactive", "a=rtcp-mux", *kept]


def take_out_media(sdp: str) -> tuple[str, list[list[str] | None]]:
    """Take the media sections out of a description.

    Returns the description with its application sections only, and for each original section its answer, or None where
    the section stayed.
    """
    session, sections = _split(sdp)
    plan = [None if section[0].startswith("m=application") else _inactive(section) for section in sections]
    kept = [section for section, answer in zip(sections, plan, strict=True) if answer is None]
    return _join(_bundling(session, kept), kept), plan


def restore_media(answer: str, plan: list[list[str] | None]) -> str:
    """Put the media sections back where the offer had them; an answer has as many sections as its offer."""
    session, taken = _split(answer)
    data = taken[0]
    transport = [line for line in data if line.startswith(_TRANSPORT)]
    rest = iter(taken)
    sections = [list(media or next(rest)) for media in plan]
    used = [section for section in sections if section[0].split(" ")[1] != "0"]
    for section in used:
        if section not in taken:
            section += transport
    if used[0] != data:  # RFC 9143 section 7.1.3: the bundle's addresses are its first section's
        used[0] += [line for line in data if line.startswith(_CANDIDATES)]
    return _join(_bundling(session, used), sections)


def _bundling(session: list[str], sections: list[list[str]]) -> list[str]:
    """The lines of the session, with these sections as its bundle."""
    mids = [line.removeprefix("a=mid:") for section in sections for line in section if line.startswith("a=mid:")]
    group = f"a=group:BUNDLE {' '.join(mids)}"
    return [group if line.startswith("a=group:BUNDLE") else line for line in session]
