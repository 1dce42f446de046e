"""A `StreamSink` that records content."""

from __future__ import annotations

from collections.abc import Mapping

from livekit.streams.reassembly import IncompleteStreamError


class RecordingSink:
    """Records content, and asserts that the stream ends once and last."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.parts: list[bytes] = []
        self.attributes: dict[str, str] | None = None
        self.error: IncompleteStreamError | None = None

    @property
    def ended(self) -> bool:
        return self.attributes is not None or self.error is not None

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    def received(self, content: bytes) -> None:
        assert not self.ended
        self.parts.append(content)

    def finished(self, attributes: Mapping[str, str]) -> None:
        assert not self.ended
        self.attributes = dict(attributes)

    def failed(self, error: IncompleteStreamError) -> None:
        assert not self.ended
        self.error = error
