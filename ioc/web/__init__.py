"""The pages, and the web application that serves them with the API."""

from ioc.web.application import create_app

__all__ = ["create_app"]
