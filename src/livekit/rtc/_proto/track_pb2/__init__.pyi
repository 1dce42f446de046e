from livekit._rtc._proto.track_pb2 import *
