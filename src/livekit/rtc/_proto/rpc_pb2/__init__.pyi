from livekit._rtc._proto.rpc_pb2 import *
