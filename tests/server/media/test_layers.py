from __future__ import annotations

from livekit.server.media.layers import HIGH, LOW, MEDIUM, choose_stream, layer_rank
from livekit.server.media.published_stream import PublishedStream
from livekit.webrtc.media_interfaces import MediaKind
from tests.server.media.media_packets import VP8


def _layers(rids: str, *, at: float = 0.0) -> list[PublishedStream]:
    layers = [PublishedStream(ssrc, MediaKind.VIDEO, [VP8], rid=rid) for ssrc, rid in enumerate(rids)]
    for layer in layers:
        layer.last_packet_at = at
    return layers


def _chosen(layers: list[PublishedStream], quality: int, *, now: float = 0.0) -> str | None:
    stream = choose_stream(layers, None, quality, now)
    return None if stream is None else stream.rid


def test_rids_name_qualities() -> None:
    assert [layer_rank(rid) for rid in ("q", "h", "f", "", "other")] == [LOW, MEDIUM, HIGH, LOW, LOW]


def test_best_layer_up_to_the_wanted_quality_is_chosen() -> None:
    assert [_chosen(_layers("fhq"), quality) for quality in (LOW, MEDIUM, HIGH)] == ["q", "h", "f"]
    assert [_chosen(_layers("hq"), quality) for quality in (LOW, MEDIUM, HIGH)] == ["q", "h", "h"]
    assert _chosen(_layers("f"), LOW) == "f"
    assert _chosen([], HIGH) is None


def test_layers_that_stopped_are_not_chosen_unless_all_did() -> None:
    layers = _layers("fhq")
    layers[2].last_packet_at = 9.0
    assert _chosen(layers, HIGH, now=10.0) == "q"
    assert _chosen(layers, HIGH, now=20.0) == "f"


def test_stream_that_is_as_good_stays() -> None:
    first, second = _layers("qq")
    assert choose_stream([first, second], first, HIGH, 0.0) is first
    assert choose_stream([first, second], None, HIGH, 0.0) is second
    second.last_packet_at = 9.0
    assert choose_stream([first, second], first, HIGH, 10.0) is second
