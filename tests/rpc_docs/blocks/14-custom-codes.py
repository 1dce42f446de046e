# Define custom error codes (2000+)
class MyErrorCodes:
    INVALID_USER = 2000
    PERMISSION_DENIED = 2001
    RESOURCE_NOT_FOUND = 2002

@local.register_rpc_method("admin_action")
async def handle_admin(data: RpcInvocationData) -> str:
    # Check permissions
    if not is_admin(data.caller_identity):
        raise RpcError(
            code=MyErrorCodes.PERMISSION_DENIED,
            message="Admin access required",
            data=json.dumps({
                "required_role": "admin",
                "user_role": get_role(data.caller_identity)
            })
        )

    # Process...
    return json.dumps({"status": "ok"})
