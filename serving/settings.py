"""What a deployment decides: one settings object, from arguments, the environment or a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from features.explanations import explained
from features.settings import read
from serving.errors import ServingError
from serving.hosts import is_loopback
from training.registry.tracking import Tracker

PREFIX = "HOLDFAST_"


class Settings(BaseSettings):
    """Settings of the service; each is also read from the environment as `HOLDFAST_<NAME>`.

    Examples
    --------
    >>> settings = Settings(scores="scores.parquet")
    >>> settings.host, settings.port
    ('127.0.0.1', 8000)
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    scores: Path | None = Field(
        default=None,
        description="The file written by `holdfast score`, .parquet or .csv; instead of a store.",
    )
    store: str | None = Field(
        default=None,
        description="SQL URL of the store, SQLite or PostgreSQL; instead of a file of scores.",
    )
    tracking_uri: str | None = Field(
        default=None,
        description="Where the champions are; default: `MLFLOW_TRACKING_URI`, else "
        "`sqlite:///mlruns/mlflow.db` in the working directory.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; others than loopback only with a store that has keys.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    reload_seconds: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="How often the service looks whether the champions or the scores file have "
        "changed.",
    )
    max_body_bytes: int = Field(
        default=4 * 1024 * 1024, gt=0, description="Largest request body that is read."
    )
    body_seconds: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="How long a request body may take to come in.",
    )
    require_keys: bool = Field(
        default=False,
        description="Whether a key is asked for on loopback too, such as behind a proxy.",
    )
    requests_per_minute: int = Field(
        default=6000, ge=1, description="Requests that each key may make, in each process."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto",
        description="How the log is written; auto: as text on a terminal, else JSON.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Server processes, which share the address and the store.",
    )
    worker: bool = Field(
        default=True,
        description="Whether the service also does jobs, scores those again whom events are "
        "about, and delivers webhooks; else a `holdfast worker` does.",
    )
    private_webhooks: bool = Field(
        default=False,
        description="Whether webhooks may go to private addresses, without TLS and to any port, "
        "such as to this machine.",
    )
    shutdown_seconds: int = Field(
        default=15,
        ge=1,
        description="How long requests may go on that are open when the service is stopped.",
    )
    clock_start: datetime | None = Field(
        default=None,
        description="For demos and tests: what the shop's clock shows when the service starts.",
    )
    scoring_threads: int = Field(
        default=2, ge=1, description="Requests that are scored at once; others wait their turn."
    )
    max_waiting: int = Field(
        default=32,
        ge=1,
        description="Requests that may wait to be scored; others are asked to come back.",
    )

    @property
    def environment(self) -> dict[str, str]:
        """What a process that works for this one has to know, as variables."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {
            _variable(name): value if isinstance(value, str) else json.dumps(value)
            for name, value in values.items()
        }

    @property
    def keys_required(self) -> bool:
        """Whether nobody is answered without a key."""
        return self.require_keys or not is_loopback(self.host)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.scores is None) == (self.store is None):
            raise ValueError(
                "either scores or store must be given: a file of scores, or the URL of a store"
            )
        if self.keys_required and self.store is None:
            raise ValueError(
                "store must be given where keys are asked for, off loopback or by require_keys: "
                "it keeps them"
            )
        if self.workers > 1 and self.store is None:
            raise ValueError(
                f"workers must be 1 where a file of scores is served; got {self.workers}. Publish "
                "the scores to a store, and serve that"
            )
        return self

    def to_environment(self) -> None:
        """Have the processes that are begun from here on find these settings and no others."""
        own = {_variable(name) for name in type(self).model_fields}
        for name in [name for name in os.environ if name.upper() in own]:
            del os.environ[name]
        os.environ.update(self.environment)


def settings_of(given: Mapping[str, Any], file: Path | None = None) -> Settings:
    """The settings: what is given wins over the environment, and that over a file.

    Parameters
    ----------
    given : dict
        Arguments by name.
    file : Path, optional
        TOML with settings by name.

    Raises
    ------
    ServingError
        If the file cannot be read, or settings are unknown or wrong: all of them are told.
    """
    if file is None:
        return _made(given, {})
    return read(file, "settings file", lambda content: _made(given, content), ServingError)


def tracker_of(settings: Settings) -> Tracker:
    """The tracking store the settings name.

    Raises
    ------
    TrackingError
        If the address cannot be one.
    """
    return Tracker() if settings.tracking_uri is None else Tracker(settings.tracking_uri)


def _made(given: Mapping[str, Any], filed: Mapping[str, Any]) -> Settings:
    class Found(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, dict(filed))

    try:
        return Found(**given)
    except ValidationError as wrong:
        told = (_sentence(mistake, given) for mistake in wrong.errors())
        raise ServingError("\n".join(told)) from None


def _sentence(mistake: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """What is wrong, by the name under which it was given."""
    if not mistake["loc"]:
        return f"{mistake['ctx']['error']}."
    name = str(mistake["loc"][0])
    rule, remedy = explained(mistake)
    is_variable = name not in given and _variable(name) in map(str.upper, os.environ)
    called = _variable(name) if is_variable else name
    # The URL of a store may hold a password.
    known = name in Settings.model_fields and name != "store"
    got = f"; got {shortened(mistake['input'])}" if known else ""
    return f"{called} {rule}{got}. {remedy}"


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
