"""Answers offers with media sections by a data-only stack: media sections are answered as inactive.

They stay in the bundle (RFC 9143), on the transport of the data channels. Rejecting them would move the bundle from its
first section to another one, after which Chromium connects only by chance.
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
    """Return the answer to a media section, without its transport attributes."""
    kind, port, *rest = section[0].split(" ")
    kept = [line for line in section[1:] if line.startswith(_KEPT)]
    if port == "0" and "a=bundle-only" not in section:  # rejected or stopped (RFC 8829)
        return [section[0], "c=IN IP4 0.0.0.0", "a=inactive", *kept]
    return [" ".join([kind, "9", *rest]), "c=IN IP4 0.0.0.0", "a=inactive", "a=rtcp-mux", *kept]


def take_out_media(sdp: str) -> tuple[str, list[list[str] | None]]:
    """Remove the media sections of a description.

    Returns:
        The description with its application sections only, and the plan: for each original section its answer, or
        None if the section was kept.
    """
    session, sections = _split(sdp)
    plan = [None if section[0].startswith("m=application") else _inactive(section) for section in sections]
    kept = [section for section, answer in zip(sections, plan, strict=True) if answer is None]
    return _join(_bundling(session, kept), kept), plan


def restore_media(answer: str, plan: list[list[str] | None]) -> str:
    """Insert the planned media sections into an answer, which must have the sections of its offer (RFC 3264)."""
    session, taken = _split(answer)
    data = taken[0]
    transport = [line for line in data if line.startswith(_TRANSPORT)]
    rest = iter(taken)
    sections = [list(media or next(rest)) for media in plan]
    used = [section for section in sections if section[0].split(" ")[1] != "0"]
    for section in used:
        if section not in taken:
            section += transport
    if used[0] != data:  # RFC 9143 section 7.1.3: the first section has the bundle's candidates
        used[0] += [line for line in data if line.startswith(_CANDIDATES)]
    return _join(_bundling(session, used), sections)


def _bundling(session: list[str], sections: list[list[str]]) -> list[str]:
    """Return the session-level lines, with these sections as the BUNDLE group."""
    mids = [line.removeprefix("a=mid:") for section in sections for line in section if line.startswith("a=mid:")]
    group = f"a=group:BUNDLE {' '.join(mids)}"
    return [group if line.startswith("a=group:BUNDLE") else line for line in session]
