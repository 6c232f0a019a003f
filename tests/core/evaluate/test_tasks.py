"""Built-in prompts: deterministic, split by hash, fit for JSON, checks that can be met."""

from __future__ import annotations

import dataclasses
import json
import tomllib

import pytest

from core.errors import KnownError
from core.evaluate import tasks
from core.evaluate.checks import check_answer
from core.evaluate.tasks import CHECKABLE, OPEN, Task, make_tasks, split_of, tasks_to_jsonl
from core.paths import resources

FAMILIES = (*CHECKABLE, *OPEN)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_arguments_give_the_same_different_prompts(family):
    made = make_tasks(family, 60, 3, "train")
    assert made == make_tasks(family, 60, 3, "train")
    assert len({task.prompt for task in made}) == 60
    assert {task.family for task in made} == {family}
    assert all((task.check is None) == (family in OPEN) for task in made)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_seed_puts_a_held_out_prompt_into_training(family):
    held_out = {t.prompt for s in range(3) for t in make_tasks(family, 40, s, "held_out")}
    train = {t.prompt for s in range(3) for t in make_tasks(family, 150, s, "train")}
    assert not held_out & train
    assert {split_of(prompt) for prompt in held_out} == {"held_out"}


@pytest.mark.parametrize("family", CHECKABLE)
def test_checks_travel_in_json_and_refuse_an_empty_answer(family):
    for task in make_tasks(family, 30, 0, "held_out"):
        assert json.loads(json.dumps(task.check)) == task.check
        assert not check_answer(task.check, "")


@pytest.mark.parametrize("family", ["repeating", "lists", "counting", "tables", "json"])
def test_every_started_answer_that_is_complete_passes_its_check(family):
    ended = [
        (task.check, task.prompt.partition("Start like this:\n")[2])
        for task in make_tasks(family, 40, 1, "train")
        if "Start like this:\n" in task.prompt and not task.prompt.endswith(",")
    ]
    assert ended
    assert all(check_answer(check, answer) for check, answer in ended)


def test_too_many_prompts_and_unknown_families_are_refused(monkeypatch):
    monkeypatch.setattr(tasks, "_DRAWS_A_TASK", 1)
    with pytest.raises(KnownError, match="explanations"):
        make_tasks("explanations", 5000, 0, "held_out")
    with pytest.raises(KnownError, match="at least 1"):
        make_tasks("code", 0, 0, "train")
    with pytest.raises(ValueError, match="magic"):
        make_tasks("magic", 1, 0, "train")


def test_a_prompts_file_holds_one_task_a_line():
    made = [Task("a\nb\u2028c", "chat", None), *make_tasks("json", 2, 0, "train")]
    lines = tasks_to_jsonl(made).removesuffix("\n").split("\n")
    assert [Task(**json.loads(line)) for line in lines] == made
    assert dataclasses.asdict(made[0]) == json.loads(lines[0])


def test_the_demo_prompts_are_held_out():
    demo = (resources() / "prompts" / "demo.toml").read_text(encoding="utf-8")
    prompts = [row["prompt"] for row in tomllib.loads(demo)["prompts"]]
    levels = [row["level"] for row in tomllib.loads(demo)["prompts"]]
    assert levels == sorted(levels, key=["easy", "middling", "hard"].index)
    assert {"easy", "hard"} < set(levels)
    assert {split_of(prompt) for prompt in prompts} == {"held_out"}
