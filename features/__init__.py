"""What the past says: one row per customer as of an instant."""

from typing import TYPE_CHECKING

from features.face import lazily

if TYPE_CHECKING:
    from features.catalogue import CATALOGUE as CATALOGUE
    from features.errors import ExtensionError as ExtensionError
    from features.errors import HistoryError as HistoryError
    from features.feature import Feature as Feature
    from features.history.history import History as History
    from features.history.history import Past as Past
    from features.intake.mapping import Mapping as Mapping
    from features.intake.mapping import TableMapping as TableMapping
    from features.metrics.cohorts import cohorts as cohorts
    from features.metrics.retention import retention_metrics as retention_metrics
    from features.quality.suggestion import suggest_horizon as suggest_horizon
    from features.table import feature_table as feature_table

WHERE = {
    "CATALOGUE": "features.catalogue",
    "ExtensionError": "features.errors",
    "HistoryError": "features.errors",
    "Feature": "features.feature",
    "History": "features.history.history",
    "Past": "features.history.history",
    "Mapping": "features.intake.mapping",
    "TableMapping": "features.intake.mapping",
    "cohorts": "features.metrics.cohorts",
    "retention_metrics": "features.metrics.retention",
    "suggest_horizon": "features.quality.suggestion",
    "feature_table": "features.table",
}
if not TYPE_CHECKING:  # Type checkers would take any name for one of the package.
    __getattr__ = lazily(__name__, WHERE)
