"""Whether a history can be used: what is wrong, where each row went, what it is enough for."""

from features.quality.context import DataProblem
from features.quality.report import Report, Span, check
from features.quality.row_counts import RowCounts, quarantine, write_quarantine
from features.quality.suggestion import HorizonSuggestion, suggest_horizon, suggest_within

__all__ = [
    "DataProblem",
    "HorizonSuggestion",
    "Report",
    "RowCounts",
    "Span",
    "check",
    "quarantine",
    "suggest_horizon",
    "suggest_within",
    "write_quarantine",
]
