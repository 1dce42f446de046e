from livekit._rtc._proto.data_stream_pb2 import *
