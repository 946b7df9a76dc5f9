#!/opt/ioc/bin/python -P
"""The command `ioc` of the container."""

from ioc.cli import main

main()
