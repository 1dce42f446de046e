async def rpc_with_retry(
    local,
    dest: str,
    method: str,
    payload: str,
    max_retries: int = 3
) -> str:
    """RPC call with automatic retry."""
    for attempt in range(max_retries):
        try:
            return await local.perform_rpc(
                destination_identity=dest,
                method=method,
                payload=payload,
                response_timeout=5.0
            )
        except RpcError as e:
            # Retry on timeout or connection issues
            if e.code in [
                RpcError.ErrorCode.RESPONSE_TIMEOUT,
                RpcError.ErrorCode.CONNECTION_TIMEOUT
            ]:
                if attempt < max_retries - 1:
                    wait_time = 2 ** attempt  # Exponential backoff
                    print(f"Retry {attempt + 1}/{max_retries} in {wait_time}s")
                    await asyncio.sleep(wait_time)
                    continue
            # Don't retry other errors
            raise

    raise RpcError(
        code=RpcError.ErrorCode.RESPONSE_TIMEOUT,
        message=f"Failed after {max_retries} attempts"
    )
