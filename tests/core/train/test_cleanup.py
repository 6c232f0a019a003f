"""What trainings have left on the disk, and that nothing else goes with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.history.training import note_process, read_training
from core.paths import Paths
from core.train import queue
from core.train.checkpoint import best_evaluation, load_newest
from core.train.cleanup import DiskUse, has_checkpoint, remove, survey
from tests.core.train.runs import ended, make_run


def clean(paths: Paths, *folders: Path, everything: bool = False) -> None:
    remove(folders, paths, everything, Cancel())


def test_what_a_run_takes_is_told_in_parts(paths: Paths) -> None:
    folder = make_run(paths, "pumps", ended())
    record = sum((folder / name).stat().st_size for name in ("spec.json", "events.jsonl"))
    found = survey(paths, Cancel())
    [one] = found.leftovers
    assert one.use == DiskUse(checkpoints=3500, working=70, record=record)
    assert one.frees(everything=False) == 3570
    assert one.frees(everything=True) == found.total_bytes == 3570 + record
    assert found.free_bytes > 0


def test_every_run_is_there_newest_first_with_its_state(paths: Paths) -> None:
    make_run(paths, "1", ended())
    make_run(paths, "2", ended("stopped"))
    make_run(paths, "3", ended("stopped"), files={"checkpoints/step-0000008.partial/a": 5})
    queue.put_in_line(make_run(paths, "4"))
    note_process(make_run(paths, "5"), os.getpid())
    (paths.runs / "6").mkdir()
    (paths.runs / "7").symlink_to(paths.runs / "1")
    found = survey(paths, Cancel()).leftovers
    assert [(one.folder.name, one.state, one.can_go_on) for one in found] == [
        ("6", "remains", False),
        ("5", "running", False),
        ("4", "queued", False),
        ("3", "stopped", False),
        ("2", "stopped", True),
        ("1", "completed", False),
    ]
    assert [one.folder.name for one in found if one.why_not] == ["5", "4"]


def test_a_run_at_work_whose_events_are_damaged_is_no_remains(paths: Paths) -> None:
    folder = make_run(paths, "pumps")
    (folder / "events.jsonl").write_text("no\n{}\n")
    note_process(folder, os.getpid())
    assert survey(paths, Cancel()).leftovers[0].state == "running"


def test_without_its_checkpoints_a_run_keeps_its_record_and_begins_anew(paths: Paths) -> None:
    folder = make_run(paths, "pumps", ended("stopped"))
    before = read_training(folder)
    assert has_checkpoint(folder)
    clean(paths, folder)
    assert sorted(one.name for one in folder.iterdir()) == ["events.jsonl", "spec.json"]
    assert read_training(folder) == before
    assert not has_checkpoint(folder)
    assert load_newest(folder, pytest.fail) is None
    assert best_evaluation(folder, pytest.fail) is None
    clean(paths, folder)  # there is nothing any more, and that is fine


def test_everything_goes_but_the_adapter(paths: Paths) -> None:
    folder = make_run(paths, "pumps", ended())
    adapter = paths.adapters / "pumps"
    adapter.mkdir(parents=True)
    other = make_run(paths, "clinic", ended())
    clean(paths, folder, everything=True)
    assert not folder.exists()
    assert adapter.exists()
    assert other.exists()


def test_runs_at_work_and_in_line_are_left_alone_and_the_others_go(paths: Paths) -> None:
    at_work, in_line, over = (make_run(paths, name, ended()) for name in "abc")
    note_process(at_work, os.getpid())
    queue.put_in_line(in_line)
    with pytest.raises(KnownError, match=r"Nothing of a .*at work.* 1 more could not"):
        clean(paths, at_work, in_line, over, everything=True)
    assert at_work.exists()
    assert in_line.exists()
    assert not over.exists()


@pytest.mark.parametrize(
    "place",
    [
        lambda paths: paths.adapters,
        lambda paths: paths.runs,
        lambda paths: paths.runs / ".." / "adapters",
        lambda paths: paths.runs / "pumps" / "checkpoints",
        lambda paths: paths.runs / "link",
        lambda paths: paths.cache,
    ],
)
def test_nothing_but_runs_and_the_cache_of_answers_is_removed(
    paths: Paths, place: Callable[[Paths], Path]
) -> None:
    make_run(paths, "pumps", ended())
    for folder in (paths.adapters, paths.cache):
        folder.mkdir(parents=True)
    (paths.runs / "link").symlink_to(paths.adapters)
    with pytest.raises(KnownError, match="no folder of a training"):
        clean(paths, place(paths), everything=True)
    assert has_checkpoint(paths.runs / "pumps")
    assert paths.adapters.exists()
    assert paths.cache.exists()


def test_a_link_within_a_run_goes_and_what_it_leads_to_stays(paths: Paths, tmp_path: Path) -> None:
    folder = make_run(paths, "pumps", ended(), files={})
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "mine").write_bytes(bytes(5000))
    (folder / "checkpoints").symlink_to(tmp_path / "else")
    assert survey(paths, Cancel()).leftovers[0].use.checkpoints == 0
    clean(paths, folder)
    assert not (folder / "checkpoints").is_symlink()
    assert (tmp_path / "else" / "mine").exists()


def test_a_disk_that_refuses_is_a_sentence(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    folders = [make_run(paths, name, ended()) for name in "ab"]
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(KnownError, match=r"could not be removed whole: Permission denied\."):
        clean(paths, *folders)


def test_answers_of_models_may_go_alone(paths: Paths) -> None:
    paths.answers.mkdir(parents=True)
    (paths.answers / "0123.jsonl").write_bytes(bytes(90))
    (paths.cache / "hashes.json").write_bytes(bytes(5))
    [one] = survey(paths, Cancel()).leftovers
    assert (one.folder, one.state, one.use.working) == (paths.answers, "cache", 90)
    clean(paths, one.folder)
    assert survey(paths, Cancel()).leftovers == ()
    assert (paths.cache / "hashes.json").exists()


def test_a_cancel_stops_before_the_next_folder(paths: Paths) -> None:
    folder, cancel = make_run(paths, "pumps", ended()), Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        remove([folder], paths, True, cancel)
    with pytest.raises(Cancelled):
        survey(paths, cancel)
    assert has_checkpoint(folder)
