# SPDX-License-Identifier: Apache-2.0
"""Errors, configuration, back ends and checks: what every other room stands on."""
