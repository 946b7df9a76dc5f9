"""`python -m ioc` is the command `ioc`."""

from ioc.cli import main

main()
