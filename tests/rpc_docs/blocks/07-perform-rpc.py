import json
from livekit import RpcError

try:
    # Call RPC method
    result = await local.perform_rpc(
        destination_identity="remote-user",
        method="calculate",
        payload=json.dumps({"a": 5, "b": 3}),
        response_timeout=5.0
    )

    # Parse response
    data = json.loads(result)
    print(f"Result: {data['result']}")  # 8

except RpcError as e:
    # Handle specific errors
    if e.code == RpcError.ErrorCode.RECIPIENT_NOT_FOUND:
        print("Participant not in room")
    elif e.code == RpcError.ErrorCode.UNSUPPORTED_METHOD:
        print("Method not implemented")
    elif e.code == RpcError.ErrorCode.RESPONSE_TIMEOUT:
        print("Request timed out")
    elif e.code == RpcError.ErrorCode.APPLICATION_ERROR:
        print(f"Application error: {e.message}")
        if e.data:
            error_data = json.loads(e.data)
            print(f"Error details: {error_data}")
    else:
        print(f"RPC error {e.code}: {e.message}")
