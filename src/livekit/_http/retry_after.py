"""The Retry-After field of HTTP responses (RFC 9110 section 10.2.3). No I/O."""

from __future__ import annotations

import datetime
from email.utils import parsedate_to_datetime

__all__ = ["parse_retry_after"]


def parse_retry_after(value: str | None, now: datetime.datetime) -> float | None:
    """Return the seconds to wait, given a number of seconds or an HTTP date; None if the value is neither."""
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:  # "-0000": UTC without a statement about the local zone
        until = until.replace(tzinfo=datetime.timezone.utc)
    return max((until - now).total_seconds(), 0.0)
