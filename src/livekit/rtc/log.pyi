from livekit._rtc.log import *
