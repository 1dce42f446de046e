from livekit._rtc.encoded_video import *
