from livekit._rtc.participant import *
