"""Errors of starting the service that a user can act on."""


class ServingError(ValueError):
    """The service cannot be started as asked; the message says why and what to do."""
