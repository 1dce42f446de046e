"""RTCP of one peer connection: the periodic reports, and what arrives from the peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from livekit.webrtc.rtp.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    TransportWideFeedback,
)

from .reports import REPORT_INTERVAL, receiver_reports
from .track_output import TrackOutput
from .track_streams import TrackStreams

__all__ = ["SENDER_REPORT_INTERVAL", "ConnectionReports"]

SENDER_REPORT_INTERVAL: Final = 3.0
"""Seconds between two sender reports on a stream, as livekit-server 1.13.5 has it."""
MAX_REPORTS: Final = 12
"""Sender reports in one datagram: with their canonical names, some 1,000 bytes."""


class ConnectionReports:
    """The tracks that a peer publishes on one connection, and the outputs that it receives there."""

    def __init__(self, send: Callable[[Sequence[RtcpPacket]], object], now: float) -> None:
        """`send` encrypts and sends a compound packet."""
        self._send = send
        self._tracks: list[TrackStreams] = []
        self._outputs: dict[int, tuple[TrackOutput, str]] = {}
        self._receiver_report_due = now + REPORT_INTERVAL
        self._sender_report_due = now + SENDER_REPORT_INTERVAL

    # What the connection carries

    def add_track(self, track: TrackStreams) -> None:
        """Report on a track that the peer publishes."""
        if track not in self._tracks:
            self._tracks.append(track)

    def remove_track(self, track: TrackStreams) -> None:
        """Report on a track no more."""
        if track in self._tracks:
            self._tracks.remove(track)

    def add_output(self, output: TrackOutput, cname: str) -> None:
        """Report on what is sent in a section, under the canonical name of its description, and hear the peer on it."""
        self._outputs[output.forwarder.ssrc] = (output, cname)

    def remove_output(self, output: TrackOutput) -> None:
        """End that."""
        self._outputs.pop(output.forwarder.ssrc, None)

    # From the peer

    def receive(self, packets: Sequence[RtcpPacket | TransportWideFeedback], now: float) -> None:
        """Process the packets of a compound packet; those about unknown sources are ignored."""
        for packet in packets:
            if isinstance(packet, SenderReport | ReceiverReport):
                self._receive_report(packet, now)
            elif isinstance(packet, Nack):
                output = self._output(packet.media_ssrc)
                if output is not None:
                    output.retransmit(packet.sequence_numbers, now)
            elif isinstance(packet, PictureLossIndication | FullIntraRequest):
                for ssrc in _wanted_key_frames(packet):
                    output = self._output(ssrc)
                    if output is not None:
                        output.request_key_frame(now)

    def _receive_report(self, report: SenderReport | ReceiverReport, now: float) -> None:
        if isinstance(report, SenderReport):
            for track in self._tracks:
                if report.ssrc in track.streams:
                    track.streams[report.ssrc].receive_sender_report(report, now)
        for block in report.blocks:
            output = self._output(block.ssrc)
            if output is not None:
                output.forwarder.receive_report(block, now)

    def _output(self, ssrc: int) -> TrackOutput | None:
        known = self._outputs.get(ssrc)
        return None if known is None else known[0]

    # To the peer

    @property
    def next_poll(self) -> float | None:
        """When `poll` has something to send; None while nothing is published and received."""
        if not self._tracks and not self._outputs:
            return None
        due = self._receiver_report_due if self._tracks else self._sender_report_due
        return min(due, self._sender_report_due) if self._outputs else due

    def poll(self, now: float) -> None:
        """Send the reports that are due."""
        if now >= self._receiver_report_due:
            self._receiver_report_due = now + REPORT_INTERVAL
            streams = [stream for track in self._tracks for stream in track.streams.values()]
            if streams:
                self._send(receiver_reports(self._tracks[0].feedback_ssrc, streams, now))
        if now >= self._sender_report_due:
            self._sender_report_due = now + SENDER_REPORT_INTERVAL
            self._send_sender_reports(now)

    def _send_sender_reports(self, now: float) -> None:
        reports: list[RtcpPacket] = []
        names: list[tuple[int, str]] = []
        for output, cname in self._outputs.values():
            report = output.forwarder.sender_report(now)
            if report is not None:
                reports.append(report)
                names.append((report.ssrc, cname))
            if len(reports) == MAX_REPORTS:
                self._send([*reports, SourceDescription(tuple(names))])
                reports, names = [], []
        if reports:
            self._send([*reports, SourceDescription(tuple(names))])


def _wanted_key_frames(packet: PictureLossIndication | FullIntraRequest) -> list[int]:
    if isinstance(packet, PictureLossIndication):
        return [packet.media_ssrc]
    return [ssrc for ssrc, _ in packet.requests]
