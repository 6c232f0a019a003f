"""What to do when memory runs out: the same work on half as much at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from core.errors import KnownError

_NO_MEMORY = ("DefaultCPUAllocator", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")

Item = TypeVar("Item")
Result = TypeVar("Result")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether memory ran out; on the CPU torch has no class of its own for it."""
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(sign in said for sign in _NO_MEMORY)


def free_memory() -> None:
    """Give what torch keeps for later back to the GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def no_room_for_one(reason: str) -> KnownError:
    """What is told when half as much cannot be tried any more."""
    return KnownError(
        f"One row alone does not fit into memory ({reason}).",
        "Choose a smaller context, unload the chat model and close other programs, or train on "
        "another device.",
    )


def in_halves(
    work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]
) -> list[Result]:
    """The results of work on at least one item; where memory runs out, of work on each half.

    Raises:
        KnownError: if not even one item fits.
    """
    try:
        return work(items)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0]
    if len(items) == 1:
        raise no_room_for_one(reason)
    # Outside the handler: its traceback would keep the tensors alive.
    free_memory()
    half = len(items) // 2
    return in_halves(work, items[:half]) + in_halves(work, items[half:])
