"""Errors of training and scoring that a user can act on."""


class TrainingError(ValueError):
    """The history, the settings or a model cannot be used as asked."""


class NoChampionError(TrainingError):
    """No champion model fits the definition that was asked for."""
