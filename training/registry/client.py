"""How MLflow is called: without its notes and telemetry, its errors told as ours, page by page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from training.registry.store import TrackingError, shown
from training.registry.versions import RegisteredVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.store.entities import PagedList

EXPERIMENT = "holdfast"
OURS = "holdfast"
# By it MLflow's page opens an experiment as machine learning, with runs and charts first.
KIND, MACHINE_LEARNING = "mlflow.experimentKind", "custom_model_development"
HOME = "holdfast.database"
CHAMPION = "champion"
# Which versions are in force together: a tag of one registered model, so that it changes at once.
RELEASE, RELEASED_WITH = "holdfast.release", "churn-risk"
ABSENT = "RESOURCE_DOES_NOT_EXIST"
PRESENT = "RESOURCE_ALREADY_EXISTS"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
}

Found = TypeVar("Found")


@contextmanager
def quietly(uri: str) -> Iterator[None]:
    """Use MLflow without its notes, prints and telemetry, and tell its errors as ours."""
    # Once, and left: taking it back would change the environment under threads that read it, which
    # ends the process.
    for name in QUIET.keys() - os.environ.keys():
        os.environ[name] = QUIET[name]
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise TrackingError(f"The tracking store {shown(uri)} refused: {error}") from error


def fill(uri: str) -> None:
    """Make MLflow's tables in a database."""
    from mlflow import MlflowClient

    MlflowClient(uri).search_experiments()


def experiment_id(client: MlflowClient, database: Path | None) -> str:
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
    if KIND not in found.tags:
        client.set_experiment_tag(found.experiment_id, KIND, MACHINE_LEARNING)
    return str(found.experiment_id)


def _make_experiment(client: MlflowClient, database: Path | None) -> str:
    from mlflow.exceptions import MlflowException

    place, tags = None, {KIND: MACHINE_LEARNING}
    if database is not None:
        place = (database.parent / "artifacts").as_uri()
        tags[HOME] = str(database.resolve())
    try:
        return str(client.create_experiment(EXPERIMENT, artifact_location=place, tags=tags))
    except MlflowException as error:
        if error.error_code != PRESENT:
            raise
        return experiment_id(client, database)


def context_tags() -> dict[str, str]:
    """Who runs this and by what: user, program and its commit, as MLflow's own runs tell it."""
    from mlflow.tracking.context.registry import resolve_tags

    return {name: str(value) for name, value in resolve_tags().items()}


def given(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that say something."""
    return {name: value for name, value in tags.items() if value}


def make_registered_model(client: MlflowClient, name: str) -> None:
    """Make a registered model of ours if there is none of the name."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != PRESENT:
            raise
    client.set_registered_model_tag(name, OURS, "true")


def every(search: Callable[..., PagedList[Found]]) -> list[Found]:
    """All pages of a search."""
    page = search()
    found = list(page)
    while page.token:
        page = search(page_token=page.token)
        found.extend(page)
    return found


def in_force(models: Iterable[RegisteredModel]) -> dict[str, int]:
    """Model -> version of the last release; of models that it does not name, by the alias."""
    found = list(models)
    aliases = {m.name: int(m.aliases[CHAMPION]) for m in found if CHAMPION in m.aliases}
    release = next((m.tags[RELEASE] for m in found if RELEASE in m.tags), "{}")
    known = {model.name for model in found}
    named = {name: int(version) for name, version in json.loads(release).items() if name in known}
    return {**aliases, **named}


def described(
    client: MlflowClient, model: RegisteredModel, found: list[ModelVersion], champion: int | None
) -> list[RegisteredVersion]:
    """Versions of a model as they are handed out, with the figures of their runs.

    The champion is the version in force, wherever somebody else may have put the alias.
    """
    numbers = {alias: int(number) for alias, number in model.aliases.items()}
    numbers.pop(CHAMPION, None)
    if champion is not None:
        numbers[CHAMPION] = champion
    metrics = _metrics(client, {str(version.run_id) for version in found})
    return [
        RegisteredVersion(
            name=model.name,
            version=int(version.version),
            aliases=tuple(
                alias for alias, number in sorted(numbers.items()) if number == int(version.version)
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
    return {run.info.run_id: run.data.metrics for run in every(search)}
