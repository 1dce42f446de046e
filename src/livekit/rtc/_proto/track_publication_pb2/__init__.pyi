from livekit._rtc._proto.track_publication_pb2 import *
