"""Offers with media, answered by a stack that takes data only: media sections are rejected (RFC 8829 section 5.3.1)."""

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


def _rejected(section: list[str]) -> list[str]:
    """The answer to a media section that is not taken: port 0, and no transport of its own."""
    kind, _, proto, *formats = section[0].split(" ")
    kept = [line for line in section[1:] if line.startswith(("a=mid:", "a=rtpmap:"))]
    return [" ".join([kind, "0", proto, *formats]), "c=IN IP4 0.0.0.0", "a=inactive", *kept]


def reject_media(sdp: str) -> tuple[str, list[list[str] | None]]:
    """Take the media sections out of a description.

    Returns the description with its application sections only, and for each original section its rejection, or None
    where the section stayed.
    """
    session, sections = _split(sdp)
    plan = [None if section[0].startswith("m=application") else _rejected(section) for section in sections]
    kept = [section for section, rejection in zip(sections, plan) if rejection is None]
    mids = [line.removeprefix("a=mid:") for section in kept for line in section if line.startswith("a=mid:")]
    session = [f"a=group:BUNDLE {' '.join(mids)}" if line.startswith("a=group:BUNDLE") else line for line in session]
    return _join(session, kept), plan


def restore_media(answer: str, plan: list[list[str] | None]) -> str:
    """Put the rejected sections back where the offer had them; an answer has as many sections as its offer."""
    session, sections = _split(answer)
    taken = iter(sections)
    return _join(session, [next(taken) if rejection is None else rejection for rejection in plan])
