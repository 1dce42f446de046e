"""Statistics of a connection, as the official SDK's protobuf classes (see stats.pyi for the types)."""

from __future__ import annotations

from ._descriptors import add_file, enum, message
from ._schema_stats import ENUMS, MESSAGES

add_file("livekit/stats.proto", ENUMS, MESSAGES)

DataChannelState = enum("DataChannelState")
QualityLimitationReason = enum("QualityLimitationReason")
IceRole = enum("IceRole")
DtlsTransportState = enum("DtlsTransportState")
IceTransportState = enum("IceTransportState")
DtlsRole = enum("DtlsRole")
IceCandidatePairState = enum("IceCandidatePairState")
IceCandidateType = enum("IceCandidateType")
IceServerTransportProtocol = enum("IceServerTransportProtocol")
IceTcpCandidateType = enum("IceTcpCandidateType")
RtcStats = message("RtcStats")
RtcStatsData = message("RtcStatsData")
CodecStats = message("CodecStats")
RtpStreamStats = message("RtpStreamStats")
ReceivedRtpStreamStats = message("ReceivedRtpStreamStats")
InboundRtpStreamStats = message("InboundRtpStreamStats")
SentRtpStreamStats = message("SentRtpStreamStats")
OutboundRtpStreamStats = message("OutboundRtpStreamStats")
RemoteInboundRtpStreamStats = message("RemoteInboundRtpStreamStats")
RemoteOutboundRtpStreamStats = message("RemoteOutboundRtpStreamStats")
MediaSourceStats = message("MediaSourceStats")
AudioSourceStats = message("AudioSourceStats")
VideoSourceStats = message("VideoSourceStats")
AudioPlayoutStats = message("AudioPlayoutStats")
PeerConnectionStats = message("PeerConnectionStats")
DataChannelStats = message("DataChannelStats")
TransportStats = message("TransportStats")
CandidatePairStats = message("CandidatePairStats")
IceCandidateStats = message("IceCandidateStats")
CertificateStats = message("CertificateStats")
StreamStats = message("StreamStats")
