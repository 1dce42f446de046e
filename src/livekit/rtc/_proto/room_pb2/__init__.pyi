from livekit._rtc._proto.room_pb2 import *
