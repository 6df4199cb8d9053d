"""The demo's shop: where it stands, how large it is, and the instants it is asked about."""

from __future__ import annotations

from pathlib import Path

from holdfast.render import output
from training.config import TrainingConfig

PLACE = Path("demo")
SHOP, SCORES = PLACE / "shop", PLACE / "scores.parquet"
STORE = f"sqlite:///{PLACE}/store.db"
TRACKING = "sqlite:///demo/mlruns/mlflow.db"
# Large enough for offers to show an effect, small enough for half a minute; three years of days.
CUSTOMERS, DAYS, SEED = 8000, 1095, 0
AS_OF, END = "2025-10-01", "2026-01-01"
CONFIG = TrainingConfig(horizon_days=90)


def heading(title: str) -> None:
    """Begin a part of the demo."""
    output.line()
    output.line(title, "bold cyan")
