from livekit._rtc.rpc import *
