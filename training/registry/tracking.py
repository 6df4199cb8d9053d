"""Runs, registered models and aliases at one address of MLflow.

It goes through MLflow's client with an explicit address, so that no global address, active run or
logger is set, and imports MLflow when first used.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from training.registry import store
from training.registry.client import (
    ABSENT,
    CHAMPION,
    OURS,
    RELEASE,
    RELEASED_WITH,
    context_tags,
    described,
    every,
    experiment_id,
    fill,
    given,
    in_force,
    make_registered_model,
    quietly,
)
from training.registry.pyfunc_files import write_pyfunc
from training.registry.run import Run, clipped
from training.registry.store import TrackingError, tracking_uri
from training.registry.versions import ModelFiles, RegisteredVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

CHALLENGER = "challenger"
# Characters of a version's description that MLflow keeps.
DESCRIPTION = 5000


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
    def start_run(
        self, name: str, tags: Mapping[str, str], started: float | None = None
    ) -> Iterator[Run]:
        """Record what is done inside as a run of the experiment `holdfast`.

        Parameters
        ----------
        name : str
            How the run is listed.
        tags : mapping of str to str
            What the run is found by, besides who runs it and by what.
        started : float, optional
            When what the run tells of began, in seconds since 1970; default: now.

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
                store.make_database(database, fill)
            client = self._client()
            experiment = experiment_id(client, database)
            made = client.create_run(
                experiment,
                start_time=None if started is None else int(started * 1000),
                tags={**context_tags(), **given(tags)},
                run_name=name,
            )
        run = Run(client, experiment, made.info.run_id)
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
            tags, note = given(model.tags), clipped(model.description, DESCRIPTION)
            logged = client.create_logged_model(
                run.experiment_id, name, run.run_id, model_type=name, params=tags
            )
            run.log_metrics(model.metrics, model_id=logged.model_id)
            with tempfile.TemporaryDirectory() as place:
                written = Path(place) / "pyfunc"
                write_pyfunc(written, model, run.run_id, logged.model_id)
                client.log_model_artifacts(logged.model_id, str(written))
            client.finalize_logged_model(logged.model_id, "READY")
            run.log_model(logged.model_id)
            make_registered_model(client, name)
            # Not models:/ID, which MLflow would look up at its global address.
            version = client.create_model_version(
                name,
                source=logged.artifact_location,
                run_id=run.run_id,
                tags=tags,
                description=note or None,
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
        return self.release({name: version})[0]

    def release(self, versions: Mapping[str, int]) -> list[RegisteredVersion]:
        """Make versions the champions together, beside the champions of the other models.

        The aliases follow one after the other, for others to read; what is in force is one tag,
        written last: nobody who goes by it sees a part of the change.

        Raises
        ------
        TrackingError
            If there is no such model or version; says which there are.
        """
        for name, version in versions.items():
            self.version(name, version)
        with self._mlflow():
            client, models = self._client(), self._models()
            for name, version in versions.items():
                client.set_registered_model_alias(name, CHAMPION, str(version))
            now = json.dumps({**in_force(models), **versions}, sort_keys=True)
            for model in models:
                if model.name == RELEASED_WITH:
                    client.set_registered_model_tag(model.name, RELEASE, now)
        return [self.version(name, version) for name, version in versions.items()]

    def champions(self) -> dict[str, int]:
        """Registered model -> the version in force, all read at one instant.

        Where no release was ever made, by an older version of Holdfast, the aliases say it.
        """
        with self._mlflow():
            return in_force(self._models())

    def champion(self, name: str) -> RegisteredVersion | None:
        """Return the version of a model that is in force; None if none is."""
        number = self.champions().get(name)
        return None if number is None else self.version(name, number)

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

    def latest(self, name: str) -> RegisteredVersion | None:
        """Return the newest version of a model; None without one."""
        with self._mlflow():
            model = self._find(name)
            return None if model is None else next(iter(self._versions(model)), None)

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
        return quietly(self.uri)

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
        found = every(partial(search, filter_string=f"tags.{OURS} = 'true'"))
        return sorted(found, key=lambda model: model.name)

    def _versions(self, model: RegisteredModel) -> list[RegisteredVersion]:
        client = self._client()
        found = every(partial(client.search_model_versions, f"name = '{model.name}'"))
        found.sort(key=lambda version: int(version.version), reverse=True)
        return described(client, model, found, in_force(self._models()).get(model.name))
