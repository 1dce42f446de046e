from livekit._rtc._proto.video_frame_pb2 import *
