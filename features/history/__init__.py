"""What happened in a shop, when, and when it became known; and the one cut in time."""

from typing import TYPE_CHECKING

from features.face import lazily

if TYPE_CHECKING:
    from features.history.history import History as History
    from features.history.history import Past as Past

WHERE = {
    "History": "features.history.history",
    "Past": "features.history.history",
}
if not TYPE_CHECKING:  # Type checkers would take any name for one of the package.
    __getattr__ = lazily(__name__, WHERE)
