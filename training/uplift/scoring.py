"""An uplift model with its definition, as a model folder holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from features.history.history import Past
from features.table import describe
from training.btyd.population import PopulationModel
from training.models import artifact
from training.scoring.definition import Definition
from training.uplift.assignments import described
from training.uplift.doubt import Doubt
from training.uplift.model import UpliftModel

KIND, PREFIX = "uplift", "uplift_"
# The name of the registered model.
UPLIFT = "offer-uplift"


@dataclass(frozen=True)
class UpliftScorer:
    """What offers change, for rows of a feature table.

    Attributes
    ----------
    model : UpliftModel
    btyd : PopulationModel
        What the customers were expected to do, as at the first assignment that was learnt from.
    definition : Definition
    """

    model: UpliftModel
    btyd: PopulationModel
    definition: Definition

    def table(self, past: Past) -> pd.DataFrame:
        """The feature table that the model reads, shape (customers, features)."""
        return describe(self.definition.read(past), self.definition.table_horizon_days)

    def uplift(self, table: pd.DataFrame) -> pd.DataFrame:
        """Effects of the offers that there is evidence about, shape (customers, tried offers)."""
        found = self.model.predict(self._described(table))
        return found[[offer for offer in found if self.model.tested_[str(offer)]]]

    def harmed(self, table: pd.DataFrame) -> pd.DataFrame:
        """Where the evidence is that an offer does harm, bool, shape (customers, tried offers)."""
        found = self.model.leave_alone(self._described(table))
        return found[[offer for offer in found if self.model.tested_[str(offer)]]]

    def doubts(self, table: pd.DataFrame) -> dict[str, Doubt]:
        """How sure the effects are, of the offers that there is evidence about."""
        return self.model.doubts(self._described(table))

    def predict_frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Effects of every offer that was tried, a column `uplift_OFFER` each."""
        return self.model.predict(self._described(table)).add_prefix(PREFIX)

    def _described(self, table: pd.DataFrame) -> pd.DataFrame:
        return described(table, self.btyd, self.definition.table_horizon_days)

    def save(self, folder: Path) -> None:
        """Write model, MBG/NBD and definition as plain files."""
        self.model.save(folder)
        content = {"definition": self.definition.as_dict(), "btyd": self.btyd.as_dict()}
        artifact.write_scoring(folder, content)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        TrainingError
            If it holds no uplift model, a damaged one, or one of a format that is not known here.
        """
        artifact.read(folder, KIND)
        with artifact.undamaged(folder):
            content = artifact.read_scoring(folder)
            btyd = PopulationModel(**content["btyd"])
            definition = Definition.from_dict(content["definition"])
            return cls(UpliftModel.load(folder), btyd, definition)
