async def safe_rpc_call(local, dest, method, payload):
    """RPC call with comprehensive error handling."""
    try:
        return await local.perform_rpc(
            destination_identity=dest,
            method=method,
            payload=payload,
            response_timeout=5.0
        )
    except RpcError as e:
        if e.code == RpcError.ErrorCode.RECIPIENT_NOT_FOUND:
            print("Participant left")
        elif e.code == RpcError.ErrorCode.UNSUPPORTED_METHOD:
            print("Method not registered")
        elif e.code == RpcError.ErrorCode.RESPONSE_TIMEOUT:
            print("Timeout")
        elif e.code == RpcError.ErrorCode.REQUEST_PAYLOAD_TOO_LARGE:
            print("Payload too large")
        elif e.code == RpcError.ErrorCode.APPLICATION_ERROR:
            print(f"App error: {e.message}")
        else:
            print(f"Unknown error: {e.code}")
        return None
