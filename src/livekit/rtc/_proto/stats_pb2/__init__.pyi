from livekit._rtc._proto.stats_pb2 import *
