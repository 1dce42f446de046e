from livekit._rtc.audio_stream import *
