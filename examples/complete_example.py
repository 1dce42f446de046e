import asyncio
import json
from livekit import Room, RpcError, RpcInvocationData

async def main():
    room = Room()
    await room.connect(url, token)

    local = room.local_participant

    # Register multiple handlers
    @local.register_rpc_method("echo")
    async def echo(data: RpcInvocationData) -> str:
        """Echo handler - returns input."""
        return data.payload

    @local.register_rpc_method("add")
    async def add(data: RpcInvocationData) -> str:
        """Addition handler."""
        params = json.loads(data.payload)
        result = params["a"] + params["b"]
        return json.dumps({"result": result})

    @local.register_rpc_method("get_status")
    async def get_status(data: RpcInvocationData) -> str:
        """Status handler."""
        return json.dumps({
            "status": "healthy",
            "uptime": 3600,
            "version": "1.0.0"
        })

    # Wait for remote participant
    await asyncio.sleep(2)

    # Call remote methods if participants present
    if len(room.remote_participants) > 0:
        remote = next(iter(room.remote_participants.values()))

        try:
            # Echo test
            echo_result = await local.perform_rpc(
                destination_identity=remote.identity,
                method="echo",
                payload="Hello RPC!",
                response_timeout=5.0
            )
            print(f"Echo: {echo_result}")

            # Calculation
            calc_result = await local.perform_rpc(
                destination_identity=remote.identity,
                method="add",
                payload=json.dumps({"a": 10, "b": 20}),
                response_timeout=5.0
            )
            data = json.loads(calc_result)
            print(f"10 + 20 = {data['result']}")

        except RpcError as e:
            print(f"RPC error {e.code}: {e.message}")

    # Keep running
    await asyncio.sleep(30)

    # Cleanup
    local.unregister_rpc_method("echo")
    local.unregister_rpc_method("add")
    local.unregister_rpc_method("get_status")

    await room.disconnect()

if __name__ == "__main__":
    asyncio.run(main())
