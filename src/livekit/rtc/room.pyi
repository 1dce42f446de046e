from livekit._rtc.room import *
