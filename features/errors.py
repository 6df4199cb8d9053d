"""Errors that a user can act on: what is wrong, where, and what to do."""


class HistoryError(ValueError):
    """The data, its mapping or a request on it cannot be used as given."""


class ExtensionError(ValueError):
    """Code of the shop's own is not there, has changed, or does not do what it should."""
