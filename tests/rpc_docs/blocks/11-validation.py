@local.register_rpc_method("process")
async def handle_process(data: RpcInvocationData) -> str:
    # Parse and validate
    try:
        params = json.loads(data.payload)
    except json.JSONDecodeError:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message="Invalid JSON"
        )

    # Validate required fields
    required = ["input", "format"]
    missing = [f for f in required if f not in params]
    if missing:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message=f"Missing parameters: {', '.join(missing)}"
        )

    # Process...
    return json.dumps({"status": "ok"})
