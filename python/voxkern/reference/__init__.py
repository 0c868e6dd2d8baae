# SPDX-License-Identifier: Apache-2.0
"""The meaning of every kernel: NumPy, slow, literal to the formula. Tests hold the kernels to it."""
