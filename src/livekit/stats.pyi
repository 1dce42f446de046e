# The types of stats.py; written by tools/stubs.py.
# ruff: noqa: A002
from collections.abc import Mapping, MutableMapping
from typing import NewType, TypeAlias

from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
from google.protobuf.message import Message

class _DataChannelState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _DataChannelStateWrapper(_EnumTypeWrapper[_DataChannelState.ValueType], type):
    DC_CONNECTING: _DataChannelState.ValueType
    DC_OPEN: _DataChannelState.ValueType
    DC_CLOSING: _DataChannelState.ValueType
    DC_CLOSED: _DataChannelState.ValueType

class DataChannelState(_DataChannelState, metaclass=_DataChannelStateWrapper): ...

class _QualityLimitationReason:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _QualityLimitationReasonWrapper(_EnumTypeWrapper[_QualityLimitationReason.ValueType], type):
    LIMITATION_NONE: _QualityLimitationReason.ValueType
    LIMITATION_CPU: _QualityLimitationReason.ValueType
    LIMITATION_BANDWIDTH: _QualityLimitationReason.ValueType
    LIMITATION_OTHER: _QualityLimitationReason.ValueType

class QualityLimitationReason(_QualityLimitationReason, metaclass=_QualityLimitationReasonWrapper): ...

class _IceRole:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceRoleWrapper(_EnumTypeWrapper[_IceRole.ValueType], type):
    ICE_UNKNOWN: _IceRole.ValueType
    ICE_CONTROLLING: _IceRole.ValueType
    ICE_CONTROLLED: _IceRole.ValueType

class IceRole(_IceRole, metaclass=_IceRoleWrapper): ...

class _DtlsTransportState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _DtlsTransportStateWrapper(_EnumTypeWrapper[_DtlsTransportState.ValueType], type):
    DTLS_TRANSPORT_NEW: _DtlsTransportState.ValueType
    DTLS_TRANSPORT_CONNECTING: _DtlsTransportState.ValueType
    DTLS_TRANSPORT_CONNECTED: _DtlsTransportState.ValueType
    DTLS_TRANSPORT_CLOSED: _DtlsTransportState.ValueType
    DTLS_TRANSPORT_FAILED: _DtlsTransportState.ValueType

class DtlsTransportState(_DtlsTransportState, metaclass=_DtlsTransportStateWrapper): ...

class _IceTransportState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceTransportStateWrapper(_EnumTypeWrapper[_IceTransportState.ValueType], type):
    ICE_TRANSPORT_NEW: _IceTransportState.ValueType
    ICE_TRANSPORT_CHECKING: _IceTransportState.ValueType
    ICE_TRANSPORT_CONNECTED: _IceTransportState.ValueType
    ICE_TRANSPORT_COMPLETED: _IceTransportState.ValueType
    ICE_TRANSPORT_DISCONNECTED: _IceTransportState.ValueType
    ICE_TRANSPORT_FAILED: _IceTransportState.ValueType
    ICE_TRANSPORT_CLOSED: _IceTransportState.ValueType

class IceTransportState(_IceTransportState, metaclass=_IceTransportStateWrapper): ...

class _DtlsRole:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _DtlsRoleWrapper(_EnumTypeWrapper[_DtlsRole.ValueType], type):
    DTLS_CLIENT: _DtlsRole.ValueType
    DTLS_SERVER: _DtlsRole.ValueType
    DTLS_UNKNOWN: _DtlsRole.ValueType

class DtlsRole(_DtlsRole, metaclass=_DtlsRoleWrapper): ...

class _IceCandidatePairState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceCandidatePairStateWrapper(_EnumTypeWrapper[_IceCandidatePairState.ValueType], type):
    PAIR_FROZEN: _IceCandidatePairState.ValueType
    PAIR_WAITING: _IceCandidatePairState.ValueType
    PAIR_IN_PROGRESS: _IceCandidatePairState.ValueType
    PAIR_FAILED: _IceCandidatePairState.ValueType
    PAIR_SUCCEEDED: _IceCandidatePairState.ValueType

class IceCandidatePairState(_IceCandidatePairState, metaclass=_IceCandidatePairStateWrapper): ...

class _IceCandidateType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceCandidateTypeWrapper(_EnumTypeWrapper[_IceCandidateType.ValueType], type):
    HOST: _IceCandidateType.ValueType
    SRFLX: _IceCandidateType.ValueType
    PRFLX: _IceCandidateType.ValueType
    RELAY: _IceCandidateType.ValueType

class IceCandidateType(_IceCandidateType, metaclass=_IceCandidateTypeWrapper): ...

class _IceServerTransportProtocol:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceServerTransportProtocolWrapper(_EnumTypeWrapper[_IceServerTransportProtocol.ValueType], type):
    TRANSPORT_UDP: _IceServerTransportProtocol.ValueType
    TRANSPORT_TCP: _IceServerTransportProtocol.ValueType
    TRANSPORT_TLS: _IceServerTransportProtocol.ValueType

class IceServerTransportProtocol(_IceServerTransportProtocol, metaclass=_IceServerTransportProtocolWrapper): ...

class _IceTcpCandidateType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceTcpCandidateTypeWrapper(_EnumTypeWrapper[_IceTcpCandidateType.ValueType], type):
    CANDIDATE_ACTIVE: _IceTcpCandidateType.ValueType
    CANDIDATE_PASSIVE: _IceTcpCandidateType.ValueType
    CANDIDATE_SO: _IceTcpCandidateType.ValueType

class IceTcpCandidateType(_IceTcpCandidateType, metaclass=_IceTcpCandidateTypeWrapper): ...

class RtcStats(Message):
    class Codec(Message):
        rtc: RtcStatsData
        codec: CodecStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., codec: CodecStats | None = ...) -> None: ...

    class InboundRtp(Message):
        rtc: RtcStatsData
        stream: RtpStreamStats
        received: ReceivedRtpStreamStats
        inbound: InboundRtpStreamStats
        def __init__(
            self,
            *,
            rtc: RtcStatsData | None = ...,
            stream: RtpStreamStats | None = ...,
            received: ReceivedRtpStreamStats | None = ...,
            inbound: InboundRtpStreamStats | None = ...,
        ) -> None: ...

    class OutboundRtp(Message):
        rtc: RtcStatsData
        stream: RtpStreamStats
        sent: SentRtpStreamStats
        outbound: OutboundRtpStreamStats
        def __init__(
            self,
            *,
            rtc: RtcStatsData | None = ...,
            stream: RtpStreamStats | None = ...,
            sent: SentRtpStreamStats | None = ...,
            outbound: OutboundRtpStreamStats | None = ...,
        ) -> None: ...

    class RemoteInboundRtp(Message):
        rtc: RtcStatsData
        stream: RtpStreamStats
        received: ReceivedRtpStreamStats
        remote_inbound: RemoteInboundRtpStreamStats
        def __init__(
            self,
            *,
            rtc: RtcStatsData | None = ...,
            stream: RtpStreamStats | None = ...,
            received: ReceivedRtpStreamStats | None = ...,
            remote_inbound: RemoteInboundRtpStreamStats | None = ...,
        ) -> None: ...

    class RemoteOutboundRtp(Message):
        rtc: RtcStatsData
        stream: RtpStreamStats
        sent: SentRtpStreamStats
        remote_outbound: RemoteOutboundRtpStreamStats
        def __init__(
            self,
            *,
            rtc: RtcStatsData | None = ...,
            stream: RtpStreamStats | None = ...,
            sent: SentRtpStreamStats | None = ...,
            remote_outbound: RemoteOutboundRtpStreamStats | None = ...,
        ) -> None: ...

    class MediaSource(Message):
        rtc: RtcStatsData
        source: MediaSourceStats
        audio: AudioSourceStats
        video: VideoSourceStats
        def __init__(
            self,
            *,
            rtc: RtcStatsData | None = ...,
            source: MediaSourceStats | None = ...,
            audio: AudioSourceStats | None = ...,
            video: VideoSourceStats | None = ...,
        ) -> None: ...

    class MediaPlayout(Message):
        rtc: RtcStatsData
        audio_playout: AudioPlayoutStats
        def __init__(
            self, *, rtc: RtcStatsData | None = ..., audio_playout: AudioPlayoutStats | None = ...
        ) -> None: ...

    class PeerConnection(Message):
        rtc: RtcStatsData
        pc: PeerConnectionStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., pc: PeerConnectionStats | None = ...) -> None: ...

    class DataChannel(Message):
        rtc: RtcStatsData
        dc: DataChannelStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., dc: DataChannelStats | None = ...) -> None: ...

    class Transport(Message):
        rtc: RtcStatsData
        transport: TransportStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., transport: TransportStats | None = ...) -> None: ...

    class CandidatePair(Message):
        rtc: RtcStatsData
        candidate_pair: CandidatePairStats
        def __init__(
            self, *, rtc: RtcStatsData | None = ..., candidate_pair: CandidatePairStats | None = ...
        ) -> None: ...

    class LocalCandidate(Message):
        rtc: RtcStatsData
        candidate: IceCandidateStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., candidate: IceCandidateStats | None = ...) -> None: ...

    class RemoteCandidate(Message):
        rtc: RtcStatsData
        candidate: IceCandidateStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., candidate: IceCandidateStats | None = ...) -> None: ...

    class Certificate(Message):
        rtc: RtcStatsData
        certificate: CertificateStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., certificate: CertificateStats | None = ...) -> None: ...

    class Stream(Message):
        rtc: RtcStatsData
        stream: StreamStats
        def __init__(self, *, rtc: RtcStatsData | None = ..., stream: StreamStats | None = ...) -> None: ...

    class Track(Message):
        def __init__(self) -> None: ...

    codec: RtcStats.Codec
    inbound_rtp: RtcStats.InboundRtp
    outbound_rtp: RtcStats.OutboundRtp
    remote_inbound_rtp: RtcStats.RemoteInboundRtp
    remote_outbound_rtp: RtcStats.RemoteOutboundRtp
    media_source: RtcStats.MediaSource
    media_playout: RtcStats.MediaPlayout
    peer_connection: RtcStats.PeerConnection
    data_channel: RtcStats.DataChannel
    transport: RtcStats.Transport
    candidate_pair: RtcStats.CandidatePair
    local_candidate: RtcStats.LocalCandidate
    remote_candidate: RtcStats.RemoteCandidate
    certificate: RtcStats.Certificate
    stream: RtcStats.Stream
    track: RtcStats.Track
    def __init__(
        self,
        *,
        codec: RtcStats.Codec | None = ...,
        inbound_rtp: RtcStats.InboundRtp | None = ...,
        outbound_rtp: RtcStats.OutboundRtp | None = ...,
        remote_inbound_rtp: RtcStats.RemoteInboundRtp | None = ...,
        remote_outbound_rtp: RtcStats.RemoteOutboundRtp | None = ...,
        media_source: RtcStats.MediaSource | None = ...,
        media_playout: RtcStats.MediaPlayout | None = ...,
        peer_connection: RtcStats.PeerConnection | None = ...,
        data_channel: RtcStats.DataChannel | None = ...,
        transport: RtcStats.Transport | None = ...,
        candidate_pair: RtcStats.CandidatePair | None = ...,
        local_candidate: RtcStats.LocalCandidate | None = ...,
        remote_candidate: RtcStats.RemoteCandidate | None = ...,
        certificate: RtcStats.Certificate | None = ...,
        stream: RtcStats.Stream | None = ...,
        track: RtcStats.Track | None = ...,
    ) -> None: ...

class RtcStatsData(Message):
    id: str
    timestamp: int
    def __init__(self, *, id: str = ..., timestamp: int = ...) -> None: ...

class CodecStats(Message):
    payload_type: int
    transport_id: str
    mime_type: str
    clock_rate: int
    channels: int
    sdp_fmtp_line: str
    def __init__(
        self,
        *,
        payload_type: int = ...,
        transport_id: str = ...,
        mime_type: str = ...,
        clock_rate: int = ...,
        channels: int = ...,
        sdp_fmtp_line: str = ...,
    ) -> None: ...

class RtpStreamStats(Message):
    ssrc: int
    kind: str
    transport_id: str
    codec_id: str
    def __init__(self, *, ssrc: int = ..., kind: str = ..., transport_id: str = ..., codec_id: str = ...) -> None: ...

class ReceivedRtpStreamStats(Message):
    packets_received: int
    packets_lost: int
    jitter: float
    def __init__(self, *, packets_received: int = ..., packets_lost: int = ..., jitter: float = ...) -> None: ...

class InboundRtpStreamStats(Message):
    track_identifier: str
    mid: str
    remote_id: str
    frames_decoded: int
    key_frames_decoded: int
    frames_rendered: int
    frames_dropped: int
    frame_width: int
    frame_height: int
    frames_per_second: float
    qp_sum: int
    total_decode_time: float
    total_inter_frame_delay: float
    total_squared_inter_frame_delay: float
    pause_count: int
    total_pause_duration: float
    freeze_count: int
    total_freeze_duration: float
    last_packet_received_timestamp: float
    header_bytes_received: int
    packets_discarded: int
    fec_bytes_received: int
    fec_packets_received: int
    fec_packets_discarded: int
    bytes_received: int
    nack_count: int
    fir_count: int
    pli_count: int
    total_processing_delay: float
    estimated_playout_timestamp: float
    jitter_buffer_delay: float
    jitter_buffer_target_delay: float
    jitter_buffer_emitted_count: int
    jitter_buffer_minimum_delay: float
    total_samples_received: int
    concealed_samples: int
    silent_concealed_samples: int
    concealment_events: int
    inserted_samples_for_deceleration: int
    removed_samples_for_acceleration: int
    audio_level: float
    total_audio_energy: float
    total_samples_duration: float
    frames_received: int
    decoder_implementation: str
    playout_id: str
    power_efficient_decoder: bool
    frames_assembled_from_multiple_packets: int
    total_assembly_time: float
    retransmitted_packets_received: int
    retransmitted_bytes_received: int
    rtx_ssrc: int
    fec_ssrc: int
    def __init__(
        self,
        *,
        track_identifier: str = ...,
        mid: str = ...,
        remote_id: str = ...,
        frames_decoded: int = ...,
        key_frames_decoded: int = ...,
        frames_rendered: int = ...,
        frames_dropped: int = ...,
        frame_width: int = ...,
        frame_height: int = ...,
        frames_per_second: float = ...,
        qp_sum: int = ...,
        total_decode_time: float = ...,
        total_inter_frame_delay: float = ...,
        total_squared_inter_frame_delay: float = ...,
        pause_count: int = ...,
        total_pause_duration: float = ...,
        freeze_count: int = ...,
        total_freeze_duration: float = ...,
        last_packet_received_timestamp: float = ...,
        header_bytes_received: int = ...,
        packets_discarded: int = ...,
        fec_bytes_received: int = ...,
        fec_packets_received: int = ...,
        fec_packets_discarded: int = ...,
        bytes_received: int = ...,
        nack_count: int = ...,
        fir_count: int = ...,
        pli_count: int = ...,
        total_processing_delay: float = ...,
        estimated_playout_timestamp: float = ...,
        jitter_buffer_delay: float = ...,
        jitter_buffer_target_delay: float = ...,
        jitter_buffer_emitted_count: int = ...,
        jitter_buffer_minimum_delay: float = ...,
        total_samples_received: int = ...,
        concealed_samples: int = ...,
        silent_concealed_samples: int = ...,
        concealment_events: int = ...,
        inserted_samples_for_deceleration: int = ...,
        removed_samples_for_acceleration: int = ...,
        audio_level: float = ...,
        total_audio_energy: float = ...,
        total_samples_duration: float = ...,
        frames_received: int = ...,
        decoder_implementation: str = ...,
        playout_id: str = ...,
        power_efficient_decoder: bool = ...,
        frames_assembled_from_multiple_packets: int = ...,
        total_assembly_time: float = ...,
        retransmitted_packets_received: int = ...,
        retransmitted_bytes_received: int = ...,
        rtx_ssrc: int = ...,
        fec_ssrc: int = ...,
    ) -> None: ...

class SentRtpStreamStats(Message):
    packets_sent: int
    bytes_sent: int
    def __init__(self, *, packets_sent: int = ..., bytes_sent: int = ...) -> None: ...

class OutboundRtpStreamStats(Message):
    mid: str
    media_source_id: str
    remote_id: str
    rid: str
    header_bytes_sent: int
    retransmitted_packets_sent: int
    retransmitted_bytes_sent: int
    rtx_ssrc: int
    target_bitrate: float
    total_encoded_bytes_target: int
    frame_width: int
    frame_height: int
    frames_per_second: float
    frames_sent: int
    huge_frames_sent: int
    frames_encoded: int
    key_frames_encoded: int
    qp_sum: int
    total_encode_time: float
    total_packet_send_delay: float
    quality_limitation_reason: QualityLimitationReason.ValueType
    quality_limitation_durations: MutableMapping[str, float]
    quality_limitation_resolution_changes: int
    nack_count: int
    fir_count: int
    pli_count: int
    encoder_implementation: str
    power_efficient_encoder: bool
    active: bool
    scalability_mode: str
    def __init__(
        self,
        *,
        mid: str = ...,
        media_source_id: str = ...,
        remote_id: str = ...,
        rid: str = ...,
        header_bytes_sent: int = ...,
        retransmitted_packets_sent: int = ...,
        retransmitted_bytes_sent: int = ...,
        rtx_ssrc: int = ...,
        target_bitrate: float = ...,
        total_encoded_bytes_target: int = ...,
        frame_width: int = ...,
        frame_height: int = ...,
        frames_per_second: float = ...,
        frames_sent: int = ...,
        huge_frames_sent: int = ...,
        frames_encoded: int = ...,
        key_frames_encoded: int = ...,
        qp_sum: int = ...,
        total_encode_time: float = ...,
        total_packet_send_delay: float = ...,
        quality_limitation_reason: QualityLimitationReason.ValueType = ...,
        quality_limitation_durations: Mapping[str, float] = ...,
        quality_limitation_resolution_changes: int = ...,
        nack_count: int = ...,
        fir_count: int = ...,
        pli_count: int = ...,
        encoder_implementation: str = ...,
        power_efficient_encoder: bool = ...,
        active: bool = ...,
        scalability_mode: str = ...,
    ) -> None: ...

class RemoteInboundRtpStreamStats(Message):
    local_id: str
    round_trip_time: float
    total_round_trip_time: float
    fraction_lost: float
    round_trip_time_measurements: int
    def __init__(
        self,
        *,
        local_id: str = ...,
        round_trip_time: float = ...,
        total_round_trip_time: float = ...,
        fraction_lost: float = ...,
        round_trip_time_measurements: int = ...,
    ) -> None: ...

class RemoteOutboundRtpStreamStats(Message):
    local_id: str
    remote_timestamp: float
    reports_sent: int
    round_trip_time: float
    total_round_trip_time: float
    round_trip_time_measurements: int
    def __init__(
        self,
        *,
        local_id: str = ...,
        remote_timestamp: float = ...,
        reports_sent: int = ...,
        round_trip_time: float = ...,
        total_round_trip_time: float = ...,
        round_trip_time_measurements: int = ...,
    ) -> None: ...

class MediaSourceStats(Message):
    track_identifier: str
    kind: str
    def __init__(self, *, track_identifier: str = ..., kind: str = ...) -> None: ...

class AudioSourceStats(Message):
    audio_level: float
    total_audio_energy: float
    total_samples_duration: float
    echo_return_loss: float
    echo_return_loss_enhancement: float
    dropped_samples_duration: float
    dropped_samples_events: int
    total_capture_delay: float
    total_samples_captured: int
    def __init__(
        self,
        *,
        audio_level: float = ...,
        total_audio_energy: float = ...,
        total_samples_duration: float = ...,
        echo_return_loss: float = ...,
        echo_return_loss_enhancement: float = ...,
        dropped_samples_duration: float = ...,
        dropped_samples_events: int = ...,
        total_capture_delay: float = ...,
        total_samples_captured: int = ...,
    ) -> None: ...

class VideoSourceStats(Message):
    width: int
    height: int
    frames: int
    frames_per_second: float
    def __init__(
        self, *, width: int = ..., height: int = ..., frames: int = ..., frames_per_second: float = ...
    ) -> None: ...

class AudioPlayoutStats(Message):
    kind: str
    synthesized_samples_duration: float
    synthesized_samples_events: int
    total_samples_duration: float
    total_playout_delay: float
    total_samples_count: int
    def __init__(
        self,
        *,
        kind: str = ...,
        synthesized_samples_duration: float = ...,
        synthesized_samples_events: int = ...,
        total_samples_duration: float = ...,
        total_playout_delay: float = ...,
        total_samples_count: int = ...,
    ) -> None: ...

class PeerConnectionStats(Message):
    data_channels_opened: int
    data_channels_closed: int
    def __init__(self, *, data_channels_opened: int = ..., data_channels_closed: int = ...) -> None: ...

class DataChannelStats(Message):
    label: str
    protocol: str
    data_channel_identifier: int
    state: DataChannelState.ValueType
    messages_sent: int
    bytes_sent: int
    messages_received: int
    bytes_received: int
    def __init__(
        self,
        *,
        label: str = ...,
        protocol: str = ...,
        data_channel_identifier: int = ...,
        state: DataChannelState.ValueType = ...,
        messages_sent: int = ...,
        bytes_sent: int = ...,
        messages_received: int = ...,
        bytes_received: int = ...,
    ) -> None: ...

class TransportStats(Message):
    packets_sent: int
    packets_received: int
    bytes_sent: int
    bytes_received: int
    ice_role: IceRole.ValueType
    ice_local_username_fragment: str
    dtls_state: DtlsTransportState.ValueType
    ice_state: IceTransportState.ValueType
    selected_candidate_pair_id: str
    local_certificate_id: str
    remote_certificate_id: str
    tls_version: str
    dtls_cipher: str
    dtls_role: DtlsRole.ValueType
    srtp_cipher: str
    selected_candidate_pair_changes: int
    def __init__(
        self,
        *,
        packets_sent: int = ...,
        packets_received: int = ...,
        bytes_sent: int = ...,
        bytes_received: int = ...,
        ice_role: IceRole.ValueType = ...,
        ice_local_username_fragment: str = ...,
        dtls_state: DtlsTransportState.ValueType = ...,
        ice_state: IceTransportState.ValueType = ...,
        selected_candidate_pair_id: str = ...,
        local_certificate_id: str = ...,
        remote_certificate_id: str = ...,
        tls_version: str = ...,
        dtls_cipher: str = ...,
        dtls_role: DtlsRole.ValueType = ...,
        srtp_cipher: str = ...,
        selected_candidate_pair_changes: int = ...,
    ) -> None: ...

class CandidatePairStats(Message):
    transport_id: str
    local_candidate_id: str
    remote_candidate_id: str
    state: IceCandidatePairState.ValueType
    nominated: bool
    packets_sent: int
    packets_received: int
    bytes_sent: int
    bytes_received: int
    last_packet_sent_timestamp: float
    last_packet_received_timestamp: float
    total_round_trip_time: float
    current_round_trip_time: float
    available_outgoing_bitrate: float
    available_incoming_bitrate: float
    requests_received: int
    requests_sent: int
    responses_received: int
    responses_sent: int
    consent_requests_sent: int
    packets_discarded_on_send: int
    bytes_discarded_on_send: int
    def __init__(
        self,
        *,
        transport_id: str = ...,
        local_candidate_id: str = ...,
        remote_candidate_id: str = ...,
        state: IceCandidatePairState.ValueType = ...,
        nominated: bool = ...,
        packets_sent: int = ...,
        packets_received: int = ...,
        bytes_sent: int = ...,
        bytes_received: int = ...,
        last_packet_sent_timestamp: float = ...,
        last_packet_received_timestamp: float = ...,
        total_round_trip_time: float = ...,
        current_round_trip_time: float = ...,
        available_outgoing_bitrate: float = ...,
        available_incoming_bitrate: float = ...,
        requests_received: int = ...,
        requests_sent: int = ...,
        responses_received: int = ...,
        responses_sent: int = ...,
        consent_requests_sent: int = ...,
        packets_discarded_on_send: int = ...,
        bytes_discarded_on_send: int = ...,
    ) -> None: ...

class IceCandidateStats(Message):
    transport_id: str
    address: str
    port: int
    protocol: str
    candidate_type: IceCandidateType.ValueType
    priority: int
    url: str
    relay_protocol: IceServerTransportProtocol.ValueType
    foundation: str
    related_address: str
    related_port: int
    username_fragment: str
    tcp_type: IceTcpCandidateType.ValueType
    def __init__(
        self,
        *,
        transport_id: str = ...,
        address: str = ...,
        port: int = ...,
        protocol: str = ...,
        candidate_type: IceCandidateType.ValueType = ...,
        priority: int = ...,
        url: str = ...,
        relay_protocol: IceServerTransportProtocol.ValueType = ...,
        foundation: str = ...,
        related_address: str = ...,
        related_port: int = ...,
        username_fragment: str = ...,
        tcp_type: IceTcpCandidateType.ValueType = ...,
    ) -> None: ...

class CertificateStats(Message):
    fingerprint: str
    fingerprint_algorithm: str
    base64_certificate: str
    issuer_certificate_id: str
    def __init__(
        self,
        *,
        fingerprint: str = ...,
        fingerprint_algorithm: str = ...,
        base64_certificate: str = ...,
        issuer_certificate_id: str = ...,
    ) -> None: ...

class StreamStats(Message):
    id: str
    stream_identifier: str
    def __init__(self, *, id: str = ..., stream_identifier: str = ...) -> None: ...
