"""What to do when memory runs out: the same work on half as much at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

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


def in_halves(
    work: Callable[[Sequence[Item], int], list[Result]], items: Sequence[Item], first: int = 0
) -> list[Result]:
    """The results of work on some items; where memory runs out, of work on each half.

    Args:
        work: Called with items and the place of the first of them.
        items: At least one.
        first: Place of the first.

    Raises:
        RuntimeError: what `work` raised, if not even one item fits.
    """
    try:
        return work(items, first)
    except RuntimeError as error:
        if len(items) == 1 or not is_out_of_memory(error):
            raise
    # Outside the handler: its traceback would keep the tensors alive.
    free_memory()
    half = len(items) // 2
    return in_halves(work, items[:half], first) + in_halves(work, items[half:], first + half)
