# SPDX-License-Identifier: Apache-2.0
"""resample_labels: label maps by rule, class scores."""
