from livekit._rtc.frame_processor import *
