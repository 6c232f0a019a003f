"""Rows that were seen before, exactly or nearly, in a fixed amount of memory.

Exactly: 64 bits of a hash of the text without regard to case and spaces. Nearly: MinHash. A text
is the set of its runs of three words; of each of 40 hash functions the smallest value over that
set is kept, and two texts agree in such a value with the probability of their Jaccard similarity
s, the share of runs they have in common. The values lie in 8 bands of 5; texts with one whole
band in common count as near duplicates. So they are found with the probability 1 - (1 - s^5)^8:
96 % at s = 0.8, 22 % at 0.5, 2 % at 0.3.

Each band has a table of fixed size, in which a newer text takes the place of an older one with
the same remainder: of very many rows the oldest are forgotten one by one. To look for near
duplicates takes most of the time that a row takes, so only the first ones are looked at that way.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BANDS, BAND_SIZE = 8, 5
RUN = 3
SLOTS = 1 << 20
"""Entries of a table: 8 MB a band once all are in use."""
FEWEST_WORDS = 12
"""Shorter texts are compared exactly only: two of them are soon alike by chance."""
MOST_WORDS = 4000
MOST_COMPARED = 200_000
"""Texts that are compared nearly; those behind them only exactly."""
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
"""A word; of scripts that write without spaces, a sign."""


def words_of(text: str) -> list[str]:
    """The words of a text, in order."""
    return WORD.findall(text)


class Duplicates:
    """All rows seen so far, as far as the tables hold them."""

    def __init__(self) -> None:
        import numpy as np

        odd = np.random.default_rng(7).integers(1, 1 << 62, BANDS * BAND_SIZE + RUN, np.uint64)
        self._factors, self._run_factors = np.split(odd * np.uint64(2) + np.uint64(1), [-RUN])
        # Pages of zeros take no memory before they are written to.
        self._exact = np.zeros(SLOTS, np.uint64)
        self._bands = np.zeros((BANDS, SLOTS), np.uint64)
        self._count = 0

    @property
    def limit(self) -> str:
        """A sentence on what was not compared nearly, else ""."""
        if self._count <= MOST_COMPARED:
            return ""
        return f"Near duplicates were looked for among the first {MOST_COMPARED:,} rows only."

    def seen(
        self, text: str, remember: bool = True
    ) -> Literal["duplicate", "near duplicate"] | None:
        """Whether a text came before; it counts as seen from now on, if it is to be remembered."""
        import numpy as np

        self._count += remember
        lower = text.casefold()
        plain = " ".join(lower.split()).encode("utf-8", "replace")
        digest = hashlib.blake2b(plain, digest_size=8)
        key = np.frombuffer(digest.digest(), np.uint64)[0]
        slot = int(key) % SLOTS
        is_known = self._exact[slot] == key
        if remember:
            self._exact[slot] = key
        if is_known:
            return "duplicate"
        if self._count > MOST_COMPARED:
            return None
        words = words_of(lower)[:MOST_WORDS]
        if len(words) < FEWEST_WORDS:
            return None
        return "near duplicate" if self._shares_a_band(words, remember) else None

    def _shares_a_band(self, words: list[str], remember: bool) -> bool:
        keys = self._band_keys(words)
        slots = (keys % SLOTS).tolist()
        bands = range(BANDS)
        shares = bool((self._bands[bands, slots] == keys).any())
        if remember:
            self._bands[bands, slots] = keys
        return shares

    def _band_keys(self, words: list[str]) -> NDArray[np.uint64]:
        """A number for each band of the text [BANDS]; products wrap around at 64 bits."""
        import numpy as np

        hashes = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words], "u8")
        runs: Any = sum(
            hashes[shift : len(hashes) - RUN + 1 + shift] * factor
            for shift, factor in enumerate(self._run_factors)
        )
        runs ^= runs >> np.uint64(31)
        smallest = ((runs[:, None] * self._factors) >> np.uint64(16)).min(axis=0)
        mixed = smallest.reshape(BANDS, BAND_SIZE) * self._factors[:BAND_SIZE]
        keys: NDArray[np.uint64] = mixed.sum(axis=1, dtype=np.uint64)
        return keys ^ (keys >> np.uint64(29))
