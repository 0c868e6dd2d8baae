# SPDX-License-Identifier: Apache-2.0
"""Volumes, their geometry, grids and transforms."""
