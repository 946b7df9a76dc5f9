"""Mini IOC: the monitoring service a district's operations center starts from."""

__version__ = "0.1.0"
