from livekit import RpcError, RpcInvocationData, LocalParticipant
