from typing import TypedDict
import json

class CalculateRequest(TypedDict):
    """Type-safe request schema."""
    a: float
    b: float
    operation: str

class CalculateResponse(TypedDict):
    """Type-safe response schema."""
    result: float
    operation: str

@local.register_rpc_method("calculate_v2")
async def handle_calculate_v2(data: RpcInvocationData) -> str:
    """Type-safe RPC handler."""
    # Parse with type checking
    req: CalculateRequest = json.loads(data.payload)

    # Validate
    if req["operation"] not in ["add", "subtract", "multiply", "divide"]:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message=f"Invalid operation: {req['operation']}"
        )

    # Calculate
    operations = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b if b != 0 else None
    }

    result = operations[req["operation"]](req["a"], req["b"])

    if result is None:
        raise RpcError(
            code=RpcError.ErrorCode.APPLICATION_ERROR,
            message="Division by zero"
        )

    # Type-safe response
    response: CalculateResponse = {
        "result": result,
        "operation": req["operation"]
    }
    return json.dumps(response)
