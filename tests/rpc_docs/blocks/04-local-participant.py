class LocalParticipant:
    """LocalParticipant RPC-related methods."""

    async def perform_rpc(
        self,
        *,
        destination_identity: str,
        method: str,
        payload: str,
        response_timeout: Optional[float] = None
    ) -> str:
        """Initiate an RPC call to a remote participant.

        Args:
            destination_identity: Identity of destination participant
                Type: str
                Must be connected to room
                Case-sensitive
            method: Name of the method to call
                Type: str
                Must be registered by recipient
                Case-sensitive
            payload: Method payload
                Type: str
                Typically JSON for structured data
                Max size: ~256KB
            response_timeout: Timeout in seconds for response
                Type: float | None
                Default: None (uses default, typically 10s)
                Range: 1.0 - 60.0 seconds recommended

        Returns:
            str: Response payload from handler
                Typically JSON string

        Raises:
            RpcError: If call fails (see ErrorCode for types)
            RuntimeError: If not connected to room
            ValueError: If parameters invalid

        Example:
            >>> import json
            >>> result = await local.perform_rpc(
            ...     destination_identity="agent-123",
            ...     method="calculate",
            ...     payload=json.dumps({"a": 5, "b": 3}),
            ...     response_timeout=5.0
            ... )
            >>> data = json.loads(result)
            >>> print(data["result"])  # 8
        """

    def register_rpc_method(
        self,
        method_name: str,
        handler: Optional[RpcHandler] = None
    ) -> Union[RpcHandler, Callable[[RpcHandler], RpcHandler]]:
        """Register an RPC method handler.

        Can be used as decorator or with callback.

        Args:
            method_name: Name of the RPC method to handle
                Type: str
                Case-sensitive
            handler: Handler function (optional for decorator)
                Type: RpcHandler | None
                Can be sync or async

        Returns:
            Handler function or decorator

        Raises:
            ValueError: If method already registered
            TypeError: If handler not callable

        Example (decorator):
            >>> @local.register_rpc_method("calculate")
            ... async def handle_calculate(data: RpcInvocationData) -> str:
            ...     import json
            ...     params = json.loads(data.payload)
            ...     result = params["a"] + params["b"]
            ...     return json.dumps({"result": result})

        Example (direct):
            >>> async def handler(data):
            ...     return "response"
            >>> local.register_rpc_method("method", handler)
        """

    def unregister_rpc_method(self, method: str) -> None:
        """Unregister a previously registered RPC method.

        Args:
            method: Name of RPC method to unregister
                Type: str

        Raises:
            KeyError: If method not registered

        Example:
            >>> local.unregister_rpc_method("calculate")
        """
