from livekit._rtc.data_track import *
