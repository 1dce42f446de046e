import json
from livekit import LocalParticipant, RpcInvocationData

local: LocalParticipant = room.local_participant

@local.register_rpc_method("calculate")
async def handle_calculate(data: RpcInvocationData) -> str:
    """Handle calculate RPC call.

    Args:
        data: RPC invocation data

    Returns:
        str: JSON response
    """
    # Log call info
    print(f"RPC from {data.caller_identity}")
    print(f"Request ID: {data.request_id}")
    print(f"Timeout: {data.response_timeout}s")

    # Parse payload
    params = json.loads(data.payload)

    # Validate
    if "a" not in params or "b" not in params:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message="Missing parameters",
            data=json.dumps({"required": ["a", "b"]})
        )

    # Perform calculation
    result = params["a"] + params["b"]

    # Return response
    return json.dumps({"result": result})
