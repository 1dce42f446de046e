from livekit._rtc._proto.e2ee_pb2 import *
