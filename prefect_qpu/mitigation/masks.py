"""Masks of X gates for readout twirling, balanced so that few of them average the readout's asymmetry away."""

from collections.abc import Sequence

import numpy as np

from prefect_qpu.errors import MitigationRefusedError


def balanced_masks(bits: int, count: int, seed: int) -> list[list[int]]:
    """``count`` masks of 0 and 1, in which every one, two or three bits take all values equally often.

    Bit ``i`` of mask ``r`` is the scalar product of ``r`` and a vector of its own over GF(2), plus a random offset.
    Vectors of odd weight, all different, make an orthogonal array of strength 3; where there are more bits than such
    vectors, some are used again. Products of asymmetries, which random masks leave with a relative size of one over
    the root of their number, then vanish up to the fourth order.

    Source: C. R. Rao, Suppl. J. Royal Stat. Soc. 9, 128 (1947).

    Args:
        bits: Bits of a mask.
        count: A power of 2.
        seed: Seed of the vectors' order and the offset.

    Raises:
        MitigationRefusedError: ``count`` is no power of 2.

    Example:
        >>> masks = balanced_masks(5, 16, seed=1)
        >>> [sum(mask[bit] for mask in masks) for bit in range(5)]
        [8, 8, 8, 8, 8]
    """
    size = count.bit_length() - 1
    if count < 2 or count != 1 << size:
        raise MitigationRefusedError(f"{count} masks: balanced masks come in powers of 2 from 2")
    random = np.random.default_rng(seed)
    vectors = random.permutation([vector for vector in range(1, count) if vector.bit_count() % 2])
    offset = random.integers(0, 2, bits)
    return [
        [_bit(row, int(vectors[bit % len(vectors)]), int(offset[bit])) for bit in range(bits)] for row in range(count)
    ]


def _bit(row: int, vector: int, offset: int) -> int:
    return ((row & vector).bit_count() + offset) % 2


def shares(total: int, parts: int) -> Sequence[int]:
    """A number of shots split into nearly equal parts, the larger ones first."""
    each, rest = divmod(total, parts)
    return [each + (part < rest) for part in range(parts)]
