"""Containers are chosen only where every image that they need is here or can be had."""

from collections.abc import Collection

import docker  # type: ignore[import-untyped]
import pytest
from docker.errors import APIError, DockerException, ImageNotFound  # type: ignore[import-untyped]
from testcontainers.core.config import testcontainers_config

from tests import containers


class Engine:
    """An engine without a registry: it has some images and gets no others."""

    def __init__(self, held: Collection[str]) -> None:
        self._held = held
        self.images = self

    def get(self, image: str) -> None:
        if image not in self._held:
            raise ImageNotFound(image)

    def pull(self, *_: str) -> None:
        raise APIError("no such host")

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def the_reaper_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers_config, "_ryuk_disabled", False)


@pytest.mark.parametrize("missing", containers.images())
def test_one_missing_image_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "from_env", lambda **_: Engine(set(containers.images()) - {missing}))
    assert containers.why_unavailable() == f"Docker answers, but {missing} can't be had: no such host"


def test_an_engine_with_all_of_them_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "from_env", lambda **_: Engine(containers.images()))
    assert containers.why_unavailable() is None


def test_without_the_reaper_its_image_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers_config, "_ryuk_disabled", True)
    monkeypatch.setattr(docker, "from_env", lambda **_: Engine((containers.MONGODB_IMAGE, containers.KAFKA_IMAGE)))
    assert containers.why_unavailable() is None


def test_no_engine_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: float) -> None:
        raise DockerException("no socket")

    monkeypatch.setattr(docker, "from_env", none)
    assert containers.why_unavailable() == "no Docker engine answers"
