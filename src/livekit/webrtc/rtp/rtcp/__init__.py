"""RTCP: reports, source descriptions and feedback."""

from __future__ import annotations

from .compound import RtcpPacket, decode_compound, encode_compound
from .feedback import FullIntraRequest, Nack, PictureLossIndication, ReceiverEstimatedMaximumBitrate
from .reports import ReceiverReport, ReportBlock, SenderReport
from .sources import Goodbye, SourceDescription
from .transport_wide_cc import TransportWideFeedback

__all__ = [
    "FullIntraRequest",
    "Goodbye",
    "Nack",
    "PictureLossIndication",
    "ReceiverEstimatedMaximumBitrate",
    "ReceiverReport",
    "ReportBlock",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "TransportWideFeedback",
    "decode_compound",
    "encode_compound",
]
