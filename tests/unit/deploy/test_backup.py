"""What a backup's files hold, how offsets move, and what is said of wrong input."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import bson
import pytest

from contracts.topics import TOPICS
from deploy import restore
from deploy.backup import keys, mongodb
from deploy.backup.__main__ import back_up, main
from deploy.backup.errors import BackupError
from deploy.backup.folder import BackupFolder, Manifest, Partition
from deploy.backup.kafka import Moved, groups, kept_topics
from shared.settings import ServiceSettings
from tests.infrastructure import SERVICE_TOKEN

CHECKOUT = Path(__file__).parents[3]


def test_all_services_are_backed_up() -> None:
    assert set(mongodb.SERVICES) == {path.parent.name for path in (CHECKOUT / "services").glob("*/main.py")}


def test_all_topics_but_replies_and_all_groups_are_kept() -> None:
    topics = kept_topics({"SIGNAL_SOURCES": '{"erp": {"topic": "signals.erp"}}'})
    assert {topic.name for topic in TOPICS} - {topic.name for topic in topics} == {"gateway.replies"}
    assert {"run_engine.signals.erp", "run_engine.run.commands", "timeline.run.events"} <= set(groups(topics))


def test_documents_come_back_as_they_were(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    writer = folder.writer("mongodb/run_engine/runs.bson.gz")
    documents = [{"_id": n, "at": b"\0\xff", "none": None} for n in range(3)]
    for document in documents:
        writer.write(bson.encode(document))
    writer.close()
    assert list(folder.documents("mongodb/run_engine/runs.bson.gz")) == documents
    assert [raw.raw for raw in folder.documents("mongodb/run_engine/runs.bson.gz", raw=True)] == [
        bson.encode(document) for document in documents
    ]


@pytest.mark.parametrize(
    ("offset", "moved_to"),
    [(10, 10), (9, 9), (8, 8), (7, 7), (6, 7), (5, 7), (4, 6), (0, 6), (99, 10)],
)
def test_offsets_move_with_the_records_behind_them(offset: int, moved_to: int) -> None:
    """The log had 4, 7, 8, 9 and ended at 10: it has 6, 7, 8, 9 now."""
    moved = Moved()
    moved.note("t", 0, [4, 7, 8, 9], 10)
    assert moved.of("t", 0, offset) == moved_to
    assert moved.of("unknown", 0, offset) == offset


def test_a_later_log_is_cut_where_it_holds_what_came_of_commands() -> None:
    def of(end: int) -> Manifest:
        names = ("run.commands", "run.events", "signals.erp")
        topics = {name: {0: Partition(start=0, end=end, count=end)} for name in names}
        return Manifest(made_at=datetime.now(UTC), database_prefix="hera", topics=topics)

    cut = restore.seen_by(of(5), of(9))
    assert {name: partitions[0].end for name, partitions in cut.items()} == {
        "run.commands": 9, "run.events": 5, "signals.erp": 9,
    }  # fmt: skip


def test_keys_are_demanded_and_private(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "backup")
    with pytest.raises(BackupError, match=r"ENCRYPTION_KEYS is not set.*--without-keys"):
        keys.dump({"JWT_SECRET": "x"}, folder)
    files = keys.dump({"ENCRYPTION_KEYS": "v1:key", "JWT_SECRET": "secret"}, folder)
    manifest = Manifest(made_at=datetime.now(UTC), database_prefix="hera", files=files)
    target = tmp_path / "target"
    assert keys.load(folder, manifest, target, replace=False) == ["encryption.keys", "jwt.secret"]
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}
    (target / "jwt.secret").write_text("another")
    with pytest.raises(BackupError, match="holds another key"):
        keys.load(folder, manifest, target, replace=False)
    assert (target / "jwt.secret").read_text() == "another"
    keys.load(folder, manifest, target, replace=True)
    assert (target / "jwt.secret").read_text() == "secret"


def nowhere() -> dict[str, str]:
    return {
        "MONGODB_URI": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "ENCRYPTION_KEYS": "v1:key",
    }


def test_a_broker_that_does_not_answer_is_told_and_leaves_no_half_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in nowhere().items():
        monkeypatch.setenv(name, value)
    assert main([str(tmp_path / "backup")]) == 1
    told = capsys.readouterr().err
    assert "Kafka does not answer, look at KAFKA_BOOTSTRAP_SERVERS" in told and "Traceback" not in told
    assert list((tmp_path / "backup").iterdir()) == []


def test_a_folder_that_is_not_empty_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    settings = ServiceSettings.model_validate({name.lower(): value for name, value in nowhere().items()})
    with pytest.raises(BackupError, match="is not empty: give a folder that is new or empty"):
        asyncio.run(back_up(settings, BackupFolder(tmp_path)))
    assert (tmp_path / "mine").read_text() == "precious"


def test_another_prefix_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in nowhere().items():
        monkeypatch.setenv(name, value)
    BackupFolder(tmp_path).finish(Manifest(made_at=datetime.now(UTC), database_prefix="other"))
    assert restore.main([str(tmp_path)]) == 1
    assert "set DATABASE_PREFIX to that of the backup" in capsys.readouterr().err


def test_the_image_has_both_commands() -> None:
    dockerfile = (CHECKOUT / "deploy" / "Dockerfile").read_text()
    assert "deploy/restore.py" in dockerfile and "COPY deploy/backup deploy/backup" in dockerfile
    assert {"!deploy/restore.py", "!deploy/backup"} <= set((CHECKOUT / ".dockerignore").read_text().splitlines())
