from livekit import RpcError, RpcInvocationData
import json

@local.register_rpc_method("divide")
async def handle_divide(data: RpcInvocationData) -> str:
    """Handle divide RPC with error handling."""
    try:
        params = json.loads(data.payload)

        # Validate parameters
        if "a" not in params or "b" not in params:
            raise RpcError(
                code=RpcError.ErrorCode.APPLICATION_ERROR,
                message="Missing required parameters: a, b",
                data=json.dumps({
                    "provided": list(params.keys()),
                    "required": ["a", "b"]
                })
            )

        # Business logic validation
        if params["b"] == 0:
            raise RpcError(
                code=RpcError.ErrorCode.APPLICATION_ERROR,
                message="Division by zero",
                data=json.dumps({
                    "error_type": "math_error",
                    "param": "b",
                    "value": 0
                })
            )

        # Perform operation
        result = params["a"] / params["b"]

        # Return success response
        return json.dumps({
            "success": True,
            "result": result
        })

    except json.JSONDecodeError:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message="Invalid JSON payload"
        )
    except KeyError as e:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message=f"Missing parameter: {e}"
        )
