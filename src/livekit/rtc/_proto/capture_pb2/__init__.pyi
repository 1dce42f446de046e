from livekit._rtc._proto.capture_pb2 import *
