"""Runs, registered models and aliases: the only module that talks to MLflow.

It goes through MLflow's client with an explicit address, so that no global address, active run or
logger is set, and imports MLflow when first used.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any, TypeVar

from training.models.artifact import MODEL_FILE
from training.registry import store
from training.registry.store import TrackingError as TrackingError
from training.registry.store import tracking_uri as tracking_uri

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.store.entities import PagedList
    from mlflow.types import Schema

EXPERIMENT = "holdfast"
CHAMPION = "champion"
CHALLENGER = "challenger"

# What scoring imports, with the bounds of pyproject.toml. Left to infer them, MLflow loads every
# model in a process of its own.
REQUIREMENTS = (
    "lightgbm>=4.6",
    "mlflow>=3.4",
    "narwhals>=2.10",
    "numpy>=2.0",
    "pandas>=2.2",
    "polars>=1.30",
    "scikit-learn>=1.6",
    "scipy>=1.14",
)

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
}
OURS = "holdfast"
HOME = "holdfast.database"
PARAMS_PER_CALL = 100
ABSENT = "RESOURCE_DOES_NOT_EXIST"
PRESENT = "RESOURCE_ALREADY_EXISTS"

Found = TypeVar("Found")


@dataclass(frozen=True)
class RegisteredVersion:
    """One version of a registered model, with its definition and the metrics of its run."""

    name: str
    version: int
    aliases: tuple[str, ...]
    run_id: str
    created: datetime
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ModelFiles:
    """What is registered as one version of a model.

    Parameters
    ----------
    folder : Path
        The model folder: model.json and text files.
    example : pandas.DataFrame of float64
        Synthetic rows of the feature table, never customers: they are stored with the model.
    scores : pandas.DataFrame of float64
        What the model makes of `example`, row by row.
    tags : mapping of str to str
        The definition: horizon_days, clv_horizon_days, currency, lineage, candidate, as_of.

    Raises
    ------
    TrackingError
        If the folder holds other files, a column is not float64, or the rows differ.
    """

    folder: Path
    example: pd.DataFrame
    scores: pd.DataFrame
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        if self.folder / MODEL_FILE not in files:
            raise TrackingError(f"folder must hold {MODEL_FILE}; got {self.folder} without it.")
        if odd := sorted(path.name for path in files if path.suffix not in {".json", ".txt"}):
            raise TrackingError(f"folder must hold .json and .txt files only; got {odd}.")
        for name, table in (("example", self.example), ("scores", self.scores)):
            if odd := [str(column) for column in table if table[column].dtype != "float64"]:
                raise TrackingError(f"{name} must have float64 columns only; got others in {odd}.")
        if not 0 < len(self.example) == len(self.scores):
            raise TrackingError(
                "example and scores must have the same rows, at least one; "
                f"got {len(self.example)} and {len(self.scores)}."
            )


@dataclass(frozen=True)
class Run:
    """A run being recorded."""

    client: MlflowClient
    experiment_id: str
    run_id: str

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record settings, each name once."""
        with self._mlflow():
            from mlflow.entities import Param

            entries = [Param(name, str(value)) for name, value in params.items()]
            for start in range(0, len(entries), PARAMS_PER_CALL):
                some = entries[start : start + PARAMS_PER_CALL]
                self.client.log_batch(self.run_id, params=some)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record figures; `step` tells the fold. A version shows those of the highest step."""
        with self._mlflow():
            from mlflow.entities import Metric

            now = int(time.time() * 1000)
            entries = [
                Metric(name, float(value), now, step or 0) for name, value in metrics.items()
            ]
            self.client.log_batch(self.run_id, metrics=entries)

    def log_figure(self, figure: Figure, path: str) -> None:
        """Store a figure under `path`, in the format of its ending."""
        with self._mlflow():
            self.client.log_figure(self.run_id, figure, path)

    def log_text(self, text: str, path: str) -> None:
        """Store a text, such as the model card."""
        with self._mlflow():
            self.client.log_text(self.run_id, text, path)

    def log_dict(self, document: Mapping[str, Any], path: str) -> None:
        """Store a document as JSON or YAML, by the ending of `path`."""
        with self._mlflow():
            self.client.log_dict(self.run_id, dict(document), path)

    def end(self, status: str) -> None:
        """Close the run as FINISHED or FAILED."""
        with self._mlflow():
            self.client.set_terminated(self.run_id, status)

    def _mlflow(self) -> AbstractContextManager[None]:
        return _mlflow(self.client.tracking_uri)


@dataclass(frozen=True)
class Tracker:
    """The runs and registered models at one address.

    A SQLite database is made by the first run, its artifacts in `artifacts/` beside it; reading
    makes none.

    Parameters
    ----------
    uri : str
        Address of the tracking store; default: `tracking_uri()`.
    """

    uri: str = field(default_factory=tracking_uri)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uri", store.absolute(self.uri))

    @contextmanager
    def start_run(self, name: str, tags: Mapping[str, str]) -> Iterator[Run]:
        """Record what is done inside as a run of the experiment `holdfast`.

        Parameters
        ----------
        name : str
            How the run is listed.
        tags : mapping of str to str
            What the run is found by.

        Yields
        ------
        Run

        Raises
        ------
        TrackingError
            If the store cannot be used, or was moved since it was made.
        """
        with self._mlflow():
            database = store.database_path(self.uri)
            if database is not None and not database.exists():
                store.make_database(database, _fill)
            client = self._client()
            experiment_id = _experiment(client, database)
            made = client.create_run(experiment_id, tags=dict(tags), run_name=name)
        run = Run(client, experiment_id, made.info.run_id)
        status = "FAILED"
        try:
            yield run
            status = "FINISHED"
        finally:
            run.end(status)

    def register(self, run: Run, name: str, model: ModelFiles) -> RegisteredVersion:
        """Store a model as a pyfunc logged from code, with the alias `challenger`.

        The code of `features` and `training` goes with it, so that it loads where Holdfast is not
        installed. Nothing is pickled.

        Parameters
        ----------
        run : Run
            The training that made the model.
        name : str
            Name of the registered model, such as `churn-risk`.
        model : ModelFiles

        Returns
        -------
        RegisteredVersion
        """
        client = run.client
        with self._mlflow():
            logged = client.create_logged_model(run.experiment_id, name, run.run_id)
            with tempfile.TemporaryDirectory() as place:
                written = Path(place) / "pyfunc"
                _write_pyfunc(written, model, run.run_id, logged.model_id)
                client.log_model_artifacts(logged.model_id, str(written))
            client.finalize_logged_model(logged.model_id, "READY")
            _make_registered_model(client, name)
            # Not models:/ID, which MLflow would look up at its global address.
            version = client.create_model_version(
                name,
                source=logged.artifact_location,
                run_id=run.run_id,
                tags=dict(model.tags),
                model_id=logged.model_id,
            )
            client.set_registered_model_alias(name, CHALLENGER, version.version)
        return self.version(name, int(version.version))

    def promote(self, name: str, version: int) -> RegisteredVersion:
        """Make a version the champion; the alias `challenger` stays with the latest training.

        Raises
        ------
        TrackingError
            If there is no such model or version; says which there are.
        """
        self.version(name, version)
        with self._mlflow():
            self._client().set_registered_model_alias(name, CHAMPION, str(version))
        return self.version(name, version)

    def champion(self, name: str) -> RegisteredVersion | None:
        """Return the version with the alias `champion`; None without such a model or alias."""
        with self._mlflow():
            model = self._find(name)
            if model is None or CHAMPION not in model.aliases:
                return None
            client = self._client()
            return _described(
                client, model, [client.get_model_version(name, model.aliases[CHAMPION])]
            )[0]

    def version(self, name: str, version: int) -> RegisteredVersion:
        """Return one version of a model.

        Raises
        ------
        TrackingError
            If there is no such model or version; says which there are.
        """
        versions = self.versions(name)
        for known in versions:
            if known.version == version:
                return known
        numbers = ", ".join(str(known.version) for known in versions)
        raise TrackingError(
            f"version must be one of {name} in {store.shown(self.uri)}: {numbers}; got {version}."
        )

    def versions(self, name: str) -> list[RegisteredVersion]:
        """Return all versions of a model, newest first.

        Raises
        ------
        TrackingError
            If there is no such model; says which there are.
        """
        with self._mlflow():
            model = self._find(name)
            if model is None:
                names = ", ".join(known.name for known in self._models()) or "none"
                raise TrackingError(
                    f"name must be a registered model in {store.shown(self.uri)}: {names}; got "
                    f"{name!r}. Train first, or point MLFLOW_TRACKING_URI to where that was done."
                )
            return self._versions(model)

    def list_models(self) -> list[RegisteredVersion]:
        """Return all versions of all models Holdfast registered, by name, newest first."""
        with self._mlflow():
            return [version for model in self._models() for version in self._versions(model)]

    def folder(self, version: RegisteredVersion) -> Path:
        """Return the local path of a version's model folder, downloaded if it is elsewhere.

        Raises
        ------
        TrackingError
            If its files are gone.
        """
        with self._mlflow():
            from mlflow.artifacts import download_artifacts
            from mlflow.exceptions import MlflowException

            number = str(version.version)
            source = self._client().get_model_version_download_uri(version.name, number)
            try:
                path = download_artifacts(f"{source}/artifacts/model", tracking_uri=self.uri)
            except (OSError, MlflowException) as error:
                if getattr(error, "error_code", ABSENT) != ABSENT:
                    raise
                raise TrackingError(
                    f"The files of {version.name} version {number} must be in {source}; they are "
                    "not. MLflow keeps absolute paths: if the project was moved or copied, move "
                    "it back, or train again in a tracking store of its own (delete mlruns/, or "
                    "set MLFLOW_TRACKING_URI)."
                ) from error
        return Path(path)

    def _mlflow(self) -> AbstractContextManager[None]:
        return _mlflow(self.uri)

    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def _is_empty(self) -> bool:
        database = store.database_path(self.uri)
        return database is not None and not database.exists()

    def _find(self, name: str) -> RegisteredModel | None:
        from mlflow.exceptions import MlflowException

        if self._is_empty():
            return None
        try:
            return self._client().get_registered_model(name)
        except MlflowException as error:
            if error.error_code == ABSENT:
                return None
            raise

    def _models(self) -> list[RegisteredModel]:
        if self._is_empty():
            return []
        search = self._client().search_registered_models
        found = _every(partial(search, filter_string=f"tags.{OURS} = 'true'"))
        return sorted(found, key=lambda model: model.name)

    def _versions(self, model: RegisteredModel) -> list[RegisteredVersion]:
        client = self._client()
        found = _every(partial(client.search_model_versions, f"name = '{model.name}'"))
        found.sort(key=lambda version: int(version.version), reverse=True)
        return _described(client, model, found)


@contextmanager
def _mlflow(uri: str) -> Iterator[None]:
    """Use MLflow without its notes, prints and telemetry, and tell its errors as ours."""
    added = {name: value for name, value in QUIET.items() if name not in os.environ}
    os.environ.update(added)
    try:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError) as error:
            raise TrackingError(
                f"The tracking store {store.shown(uri)} refused: {error}"
            ) from error
    finally:
        for name in added:
            os.environ.pop(name, None)


def _fill(uri: str) -> None:
    from mlflow import MlflowClient

    MlflowClient(uri).search_experiments()


def _experiment(client: MlflowClient, database: Path | None) -> str:
    """Id of the experiment, made if absent."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        return _make_experiment(client, database)
    home = found.tags.get(HOME)
    if database is not None and home not in {None, str(database.resolve())}:
        raise TrackingError(
            f"{database} must stay where it was made, {home}: MLflow keeps absolute paths, and "
            "would write artifacts there. Move it back, or use a tracking store of its own "
            "(delete the moved one, or set MLFLOW_TRACKING_URI)."
        )
    return str(found.experiment_id)


def _make_experiment(client: MlflowClient, database: Path | None) -> str:
    from mlflow.exceptions import MlflowException

    place, tags = None, {}
    if database is not None:
        place, tags = (database.parent / "artifacts").as_uri(), {HOME: str(database.resolve())}
    try:
        return str(client.create_experiment(EXPERIMENT, artifact_location=place, tags=tags))
    except MlflowException as error:
        if error.error_code != PRESENT:
            raise
        return _experiment(client, database)


def _make_registered_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != PRESENT:
            raise
    client.set_registered_model_tag(name, OURS, "true")


def _write_pyfunc(place: Path, model: ModelFiles, run_id: str, model_id: str) -> None:
    """Write a model as MLflow loads it: its folder, the code that reads it, its columns."""
    from mlflow.models import Model, ModelSignature
    from mlflow.pyfunc import save_model

    home = Path(__file__).parents[2]
    packages = [home / "features", home / "training"]
    with tempfile.TemporaryDirectory() as copies:
        # MLflow calls the copy what the original is called.
        folder = copytree(model.folder, Path(copies) / "model")
        save_model(
            path=place,
            python_model=packages[1] / "pyfunc.py",
            artifacts={"model": str(folder)},
            code_paths=[str(package) for package in packages],
            signature=ModelSignature(_doubles(model.example), _doubles(model.scores)),
            input_example=model.example,
            pip_requirements=list(REQUIREMENTS),
            mlflow_model=Model(run_id=run_id, model_id=model_id, model_uuid=model_id),
        )


def _doubles(table: pd.DataFrame) -> Schema:
    """Columns that must be given but may hold NaN; MLflow would infer such ones as optional."""
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec("double", name=str(column)) for column in table])


def _described(
    client: MlflowClient, model: RegisteredModel, found: list[ModelVersion]
) -> list[RegisteredVersion]:
    metrics = _metrics(client, {str(version.run_id) for version in found})
    return [
        RegisteredVersion(
            name=model.name,
            version=int(version.version),
            aliases=tuple(
                alias
                for alias, number in sorted(model.aliases.items())
                if int(number) == int(version.version)
            ),
            run_id=str(version.run_id),
            created=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
            tags=version.tags,
            metrics=metrics.get(str(version.run_id), {}),
        )
        for version in found
    ]


def _metrics(client: MlflowClient, run_ids: set[str]) -> dict[str, Mapping[str, float]]:
    """Metrics of those runs that still exist."""
    from mlflow.entities import ViewType

    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None or not run_ids:
        return {}
    listed = ", ".join(f"'{run_id}'" for run_id in sorted(run_ids))
    search = partial(
        client.search_runs,
        [experiment.experiment_id],
        filter_string=f"attributes.run_id IN ({listed})",
        run_view_type=ViewType.ALL,
    )
    return {run.info.run_id: run.data.metrics for run in _every(search)}


def _every(search: Callable[..., PagedList[Found]]) -> list[Found]:
    """All pages of a search."""
    page = search()
    found = list(page)
    while page.token:
        page = search(page_token=page.token)
        found.extend(page)
    return found
