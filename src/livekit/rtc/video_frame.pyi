from livekit._rtc.video_frame import *
