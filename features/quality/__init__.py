"""Whether a history can be used: what is wrong, where each row went, what it is enough for."""

from features.quality.context import DataProblem
from features.quality.readiness import Readiness, label_counts, look_back_days, readiness
from features.quality.report import Report, Span, check
from features.quality.row_counts import RowCounts, quarantine, write_quarantine
from features.quality.suggestion import HorizonSuggestion, suggest_horizon, suggest_within

__all__ = [
    "DataProblem",
    "HorizonSuggestion",
    "Readiness",
    "Report",
    "RowCounts",
    "Span",
    "check",
    "label_counts",
    "look_back_days",
    "quarantine",
    "readiness",
    "suggest_horizon",
    "suggest_within",
    "write_quarantine",
]
