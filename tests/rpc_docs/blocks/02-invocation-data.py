@dataclass
class RpcInvocationData:
    """Data passed to RPC method handler.

    Contains information about the RPC call.

    Attributes:
        request_id: Unique request identifier
            Type: str
            Format: UUID-like string
            Used for tracking and logging
        caller_identity: Identity of the calling participant
            Type: str
            Participant who initiated the RPC call
            Use to identify caller
        payload: Request payload
            Type: str
            Typically JSON string
            Contains method parameters
            Max size: ~256KB
        response_timeout: Timeout in seconds for response
            Type: float
            Time caller is willing to wait
            Handler should respect this
    """

    request_id: str
    caller_identity: str
    payload: str
    response_timeout: float
