"""Kernels for kernels only: compiled for one width of whole numbers, and closed to Python."""

from __future__ import annotations

import numpy as np
import pytest
from numba import types

from tests.support.kernels import from_python
from twin.traffic.kernels.jit import inlined, inner, outer


@inner
def half(number: int) -> int:
    return number // 2


@inlined
def third(number: int) -> int:
    return number // 3


@outer
def sixth(numbers):
    return third(half(numbers[0])) + third(half(len(numbers))) + third(half(60))


def test_only_an_outer_kernel_is_called_from_python():
    """Without an entry numba would call address 0."""
    assert sixth(np.array([600], np.int32)) == 100 + 0 + 10
    for kernel in (half, third):
        with pytest.raises(TypeError, match=f"{kernel.__name__} is for kernels"):
            kernel(6)
    assert from_python(half)(6) == 3


def test_whole_numbers_of_any_width_are_one_type():
    """A record's 8 bits, a count and a constant call the same compiled kernel."""
    for kind in (types.int8, types.uint8, types.int32, types.int64, types.literal(3)):
        half.get_call_template([kind], {})
    assert half.signatures == [(types.int64,)]
