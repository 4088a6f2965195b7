#!/usr/bin/env python3
"""Osculant beside JAX, PyTorch, BackPACK and curvlinops: see README.md in this folder.

Any Python from 3.11 on starts it; the libraries live in an environment of their own.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from compare import environment  # noqa: E402

if __name__ == "__main__":
    python = environment.ensure()
    command = [str(python), "-W", "ignore", "-m", "compare.driver", *sys.argv[1:]]
    os.execve(python, command, os.environ | {"PYTHONPATH": str(HERE)})
