RpcHandler = Callable[
    [RpcInvocationData],
    Union[Awaitable[Optional[str]], Optional[str]]
]
"""Type for RPC method handlers.

Handlers can be sync or async functions.
Receive RpcInvocationData and return string response.

Signature:
    - Input: RpcInvocationData
    - Output: str | None (async: Awaitable[str | None])

Examples:
    >>> # Async handler
    >>> async def handler(data: RpcInvocationData) -> str:
    ...     return "response"
    >>>
    >>> # Sync handler
    >>> def handler(data: RpcInvocationData) -> str:
    ...     return "response"
"""
