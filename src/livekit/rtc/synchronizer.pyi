from livekit._rtc.synchronizer import *
