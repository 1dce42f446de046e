from livekit._rtc._proto.participant_pb2 import *
