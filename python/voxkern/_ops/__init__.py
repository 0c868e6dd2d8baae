# SPDX-License-Identifier: Apache-2.0
"""The operations: one module each, thin over the kernels."""
