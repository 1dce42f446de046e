"""An impaired network between real processes, in user space; see `NetworkRelay`."""

from .network import NetworkRelay
from .signals import SignalRelay
from .tcp import TcpRelay
from .udp import UdpRelay

__all__ = ["NetworkRelay", "SignalRelay", "TcpRelay", "UdpRelay"]
