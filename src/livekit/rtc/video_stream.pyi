from livekit._rtc.video_stream import *
