from livekit._rtc.video_source import *
