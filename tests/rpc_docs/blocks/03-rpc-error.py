class RpcError(Exception):
    """Specialized error for RPC methods.

    Raised when RPC call fails or handler raises error.
    """

    def __init__(
        self,
        code: Union[int, "RpcError.ErrorCode"],
        message: str,
        data: Optional[str] = None
    ):
        """Initialize RpcError.

        Args:
            code: Error code
                Type: int | ErrorCode
                Range: 1001-1999 are reserved for built-in errors
                Custom codes: 2000+
            message: Error message
                Type: str
                Human-readable description
            data: Optional additional data
                Type: str | None
                JSON recommended for structured error data
                Default: None

        Example:
            >>> raise RpcError(
            ...     code=RpcError.ErrorCode.APPLICATION_ERROR,
            ...     message="Division by zero",
            ...     data='{"param": "denominator", "value": 0}'
            ... )
        """

    @property
    def code(self) -> int:
        """Error code.

        Returns:
            int: Error code (1001-1999 built-in, 2000+ custom)
        """

    @property
    def message(self) -> str:
        """Error message.

        Returns:
            str: Human-readable error description
        """

    @property
    def data(self) -> Optional[str]:
        """Optional error data.

        Returns:
            str | None: Additional error information (typically JSON)
        """

    class ErrorCode(IntEnum):
        """Built-in RPC error codes.

        Codes 1001-1999 are reserved for SDK errors.
        Codes 2000+ can be used for application-specific errors.
        """

        # Application errors (1500-1599)
        APPLICATION_ERROR = 1500  # Generic application error
        CONNECTION_TIMEOUT = 1501  # Connection lost during call
        RESPONSE_TIMEOUT = 1502  # No response within timeout
        RECIPIENT_DISCONNECTED = 1503  # Recipient left room
        RESPONSE_PAYLOAD_TOO_LARGE = 1504  # Response exceeds size limit
        SEND_FAILED = 1505  # Failed to send request

        # Client errors (1400-1499)
        UNSUPPORTED_METHOD = 1400  # Method not registered
        RECIPIENT_NOT_FOUND = 1401  # Participant not in room
        REQUEST_PAYLOAD_TOO_LARGE = 1402  # Request exceeds size limit
        UNSUPPORTED_SERVER = 1403  # Server doesn't support RPC
        UNSUPPORTED_VERSION = 1404  # Protocol version mismatch

    ErrorMessage: ClassVar[Dict[ErrorCode, str]]
    """Mapping of error codes to default messages.

    Provides standard error messages for each error code.
    """
