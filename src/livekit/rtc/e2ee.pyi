from livekit._rtc.e2ee import *
