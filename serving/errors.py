"""Errors of the service and its store that a user can act on."""


class ServingError(ValueError):
    """The service cannot be started as asked; the message says why and what to do."""


class StoreUnavailableError(Exception):
    """The store does not answer at the moment; nothing of what was begun is kept."""
