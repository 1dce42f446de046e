from livekit._rtc.jupyter import *
