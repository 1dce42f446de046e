from livekit._rtc._proto.ffi_pb2 import *
