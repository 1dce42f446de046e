from livekit._rtc._proto.audio_frame_pb2 import *
