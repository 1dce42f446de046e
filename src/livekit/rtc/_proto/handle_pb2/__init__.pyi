from livekit._rtc._proto.handle_pb2 import *
