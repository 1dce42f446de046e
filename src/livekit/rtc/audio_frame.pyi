from livekit._rtc.audio_frame import *
