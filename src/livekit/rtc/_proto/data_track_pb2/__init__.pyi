from livekit._rtc._proto.data_track_pb2 import *
