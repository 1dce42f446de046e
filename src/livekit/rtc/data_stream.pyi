from livekit._rtc.data_stream import *
