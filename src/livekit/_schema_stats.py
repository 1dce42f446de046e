"""The messages of `livekit.stats`, in the notation of `_schema`."""

from __future__ import annotations

ENUMS = {
    "DataChannelState": "DC_CONNECTING DC_OPEN DC_CLOSING DC_CLOSED",
    "QualityLimitationReason": "LIMITATION_NONE LIMITATION_CPU LIMITATION_BANDWIDTH LIMITATION_OTHER",
    "IceRole": "ICE_UNKNOWN ICE_CONTROLLING ICE_CONTROLLED",
    "DtlsTransportState": (
        "DTLS_TRANSPORT_NEW DTLS_TRANSPORT_CONNECTING DTLS_TRANSPORT_CONNECTED DTLS_TRANSPORT_CLOSED "
        "DTLS_TRANSPORT_FAILED"
    ),
    "IceTransportState": (
        "ICE_TRANSPORT_NEW ICE_TRANSPORT_CHECKING ICE_TRANSPORT_CONNECTED ICE_TRANSPORT_COMPLETED "
        "ICE_TRANSPORT_DISCONNECTED ICE_TRANSPORT_FAILED ICE_TRANSPORT_CLOSED"
    ),
    "DtlsRole": "DTLS_CLIENT DTLS_SERVER DTLS_UNKNOWN",
    "IceCandidatePairState": "PAIR_FROZEN PAIR_WAITING PAIR_IN_PROGRESS PAIR_FAILED PAIR_SUCCEEDED",
    "IceCandidateType": "HOST SRFLX PRFLX RELAY",
    "IceServerTransportProtocol": "TRANSPORT_UDP TRANSPORT_TCP TRANSPORT_TLS",
    "IceTcpCandidateType": "CANDIDATE_ACTIVE CANDIDATE_PASSIVE CANDIDATE_SO",
}

MESSAGES = {
    "RtcStats|stats": (
        "codec:RtcStats.Codec?=3 inbound_rtp:RtcStats.InboundRtp? outbound_rtp:RtcStats.OutboundRtp? "
        "remote_inbound_rtp:RtcStats.RemoteInboundRtp? remote_outbound_rtp:RtcStats.RemoteOutboundRtp? "
        "media_source:RtcStats.MediaSource? media_playout:RtcStats.MediaPlayout? "
        "peer_connection:RtcStats.PeerConnection? data_channel:RtcStats.DataChannel? transport:RtcStats.Transport? "
        "candidate_pair:RtcStats.CandidatePair? local_candidate:RtcStats.LocalCandidate? "
        "remote_candidate:RtcStats.RemoteCandidate? certificate:RtcStats.Certificate? stream:RtcStats.Stream? "
        "track:RtcStats.Track?"
    ),
    "RtcStats.Codec": "rtc:RtcStatsData codec:CodecStats",
    "RtcStats.InboundRtp": (
        "rtc:RtcStatsData stream:RtpStreamStats received:ReceivedRtpStreamStats inbound:InboundRtpStreamStats"
    ),
    "RtcStats.OutboundRtp": (
        "rtc:RtcStatsData stream:RtpStreamStats sent:SentRtpStreamStats outbound:OutboundRtpStreamStats"
    ),
    "RtcStats.RemoteInboundRtp": (
        "rtc:RtcStatsData stream:RtpStreamStats received:ReceivedRtpStreamStats "
        "remote_inbound:RemoteInboundRtpStreamStats"
    ),
    "RtcStats.RemoteOutboundRtp": (
        "rtc:RtcStatsData stream:RtpStreamStats sent:SentRtpStreamStats remote_outbound:RemoteOutboundRtpStreamStats"
    ),
    "RtcStats.MediaSource": "rtc:RtcStatsData source:MediaSourceStats audio:AudioSourceStats video:VideoSourceStats",
    "RtcStats.MediaPlayout": "rtc:RtcStatsData audio_playout:AudioPlayoutStats",
    "RtcStats.PeerConnection": "rtc:RtcStatsData pc:PeerConnectionStats",
    "RtcStats.DataChannel": "rtc:RtcStatsData dc:DataChannelStats",
    "RtcStats.Transport": "rtc:RtcStatsData transport:TransportStats",
    "RtcStats.CandidatePair": "rtc:RtcStatsData candidate_pair:CandidatePairStats",
    "RtcStats.LocalCandidate": "rtc:RtcStatsData candidate:IceCandidateStats",
    "RtcStats.RemoteCandidate": "rtc:RtcStatsData candidate:IceCandidateStats",
    "RtcStats.Certificate": "rtc:RtcStatsData certificate:CertificateStats",
    "RtcStats.Stream": "rtc:RtcStatsData stream:StreamStats",
    "RtcStats.Track": "",
    "RtcStatsData": "id timestamp:int64",
    "CodecStats": "payload_type:uint32 transport_id mime_type clock_rate:uint32 channels:uint32 sdp_fmtp_line",
    "RtpStreamStats": "ssrc:uint32 kind transport_id codec_id",
    "ReceivedRtpStreamStats": "packets_received:uint64 packets_lost:int64 jitter:double",
    "InboundRtpStreamStats": (
        "track_identifier mid remote_id frames_decoded:uint32 key_frames_decoded:uint32 frames_rendered:uint32 "
        "frames_dropped:uint32 frame_width:uint32 frame_height:uint32 frames_per_second:double qp_sum:uint64 "
        "total_decode_time:double total_inter_frame_delay:double total_squared_inter_frame_delay:double "
        "pause_count:uint32 total_pause_duration:double freeze_count:uint32 total_freeze_duration:double "
        "last_packet_received_timestamp:double header_bytes_received:uint64 packets_discarded:uint64 "
        "fec_bytes_received:uint64 fec_packets_received:uint64 fec_packets_discarded:uint64 bytes_received:uint64 "
        "nack_count:uint32 fir_count:uint32 pli_count:uint32 total_processing_delay:double "
        "estimated_playout_timestamp:double jitter_buffer_delay:double jitter_buffer_target_delay:double "
        "jitter_buffer_emitted_count:uint64 jitter_buffer_minimum_delay:double total_samples_received:uint64 "
        "concealed_samples:uint64 silent_concealed_samples:uint64 concealment_events:uint64 "
        "inserted_samples_for_deceleration:uint64 removed_samples_for_acceleration:uint64 audio_level:double "
        "total_audio_energy:double total_samples_duration:double frames_received:uint64 decoder_implementation "
        "playout_id power_efficient_decoder:bool frames_assembled_from_multiple_packets:uint64 "
        "total_assembly_time:double retransmitted_packets_received:uint64 retransmitted_bytes_received:uint64 "
        "rtx_ssrc:uint32 fec_ssrc:uint32"
    ),
    "SentRtpStreamStats": "packets_sent:uint64 bytes_sent:uint64",
    "OutboundRtpStreamStats": (
        "mid media_source_id remote_id rid header_bytes_sent:uint64 retransmitted_packets_sent:uint64 "
        "retransmitted_bytes_sent:uint64 rtx_ssrc:uint32 target_bitrate:double total_encoded_bytes_target:uint64 "
        "frame_width:uint32 frame_height:uint32 frames_per_second:double frames_sent:uint32 "
        "huge_frames_sent:uint32 frames_encoded:uint32 key_frames_encoded:uint32 qp_sum:uint64 "
        "total_encode_time:double total_packet_send_delay:double quality_limitation_reason:QualityLimitationReason "
        "quality_limitation_durations{}:double quality_limitation_resolution_changes:uint32 nack_count:uint32 "
        "fir_count:uint32 pli_count:uint32 encoder_implementation power_efficient_encoder:bool active:bool "
        "scalability_mode"
    ),
    "RemoteInboundRtpStreamStats": (
        "local_id round_trip_time:double total_round_trip_time:double fraction_lost:double "
        "round_trip_time_measurements:uint64"
    ),
    "RemoteOutboundRtpStreamStats": (
        "local_id remote_timestamp:double reports_sent:uint64 round_trip_time:double total_round_trip_time:double "
        "round_trip_time_measurements:uint64"
    ),
    "MediaSourceStats": "track_identifier kind",
    "AudioSourceStats": (
        "audio_level:double total_audio_energy:double total_samples_duration:double echo_return_loss:double "
        "echo_return_loss_enhancement:double dropped_samples_duration:double dropped_samples_events:uint32 "
        "total_capture_delay:double total_samples_captured:uint64"
    ),
    "VideoSourceStats": "width:uint32 height:uint32 frames:uint32 frames_per_second:double",
    "AudioPlayoutStats": (
        "kind synthesized_samples_duration:double synthesized_samples_events:uint32 total_samples_duration:double "
        "total_playout_delay:double total_samples_count:uint64"
    ),
    "PeerConnectionStats": "data_channels_opened:uint32 data_channels_closed:uint32",
    "DataChannelStats": (
        "label protocol data_channel_identifier:int32 state:DataChannelState? messages_sent:uint32 "
        "bytes_sent:uint64 messages_received:uint32 bytes_received:uint64"
    ),
    "TransportStats": (
        "packets_sent:uint64 packets_received:uint64 bytes_sent:uint64 bytes_received:uint64 ice_role:IceRole "
        "ice_local_username_fragment dtls_state:DtlsTransportState? ice_state:IceTransportState? "
        "selected_candidate_pair_id local_certificate_id remote_certificate_id tls_version dtls_cipher "
        "dtls_role:DtlsRole srtp_cipher selected_candidate_pair_changes:uint32"
    ),
    "CandidatePairStats": (
        "transport_id local_candidate_id remote_candidate_id state:IceCandidatePairState? nominated:bool "
        "packets_sent:uint64 packets_received:uint64 bytes_sent:uint64 bytes_received:uint64 "
        "last_packet_sent_timestamp:double last_packet_received_timestamp:double total_round_trip_time:double "
        "current_round_trip_time:double available_outgoing_bitrate:double available_incoming_bitrate:double "
        "requests_received:uint64 requests_sent:uint64 responses_received:uint64 responses_sent:uint64 "
        "consent_requests_sent:uint64 packets_discarded_on_send:uint32 bytes_discarded_on_send:uint64"
    ),
    "IceCandidateStats": (
        "transport_id address port:int32 protocol candidate_type:IceCandidateType? priority:int32 url "
        "relay_protocol:IceServerTransportProtocol? foundation related_address related_port:int32 "
        "username_fragment tcp_type:IceTcpCandidateType?"
    ),
    "CertificateStats": "fingerprint fingerprint_algorithm base64_certificate issuer_certificate_id",
    "StreamStats": "id stream_identifier",
}
