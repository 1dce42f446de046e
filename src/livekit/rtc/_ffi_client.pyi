from livekit._rtc._ffi_client import *
