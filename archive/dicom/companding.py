"""Samples of eight bits that stand for more: mu-law and A-law (ITU-T G.711), for PS3.3 C.10.9.1.5."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt


def _mu_law(code: int) -> int:
    """G.711 table 2: all bits are inverted on the line; 14 bits."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 1) + 33 << (code >> 4 & 7)) - 33
    return -magnitude if code & 0x80 else magnitude


def _a_law(code: int) -> int:
    """G.711 table 1: even bits are inverted on the line; 13 bits, values in steps of the table's."""
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    magnitude = (mantissa << 1) + 1 if exponent == 0 else (mantissa << 1) + 33 << exponent - 1
    return magnitude if code & 0x80 else -magnitude


MU_LAW: Final[npt.NDArray[Any]] = np.array([_mu_law(code) for code in range(256)], dtype=np.int16)
A_LAW: Final[npt.NDArray[Any]] = np.array([_a_law(code) for code in range(256)], dtype=np.int16)
