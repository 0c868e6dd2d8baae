# SPDX-License-Identifier: Apache-2.0
"""What is built from the operations: the command line, preprocess, report, demo."""
