"""The workers' processes, as the driver sees them."""

import json
import os
import subprocess
import sys

from compare import machine
from compare.environment import FOLDER

LIBRARIES = {"osculant": "Osculant", "jax": "JAX", "torch": "PyTorch", "backpack": "BackPACK",
             "curvlinops": "curvlinops"}

# Memory that is returned to the system is cleared and mapped again at the next allocation, page by
# page. The others allocate anew for every product, so without this JAX takes up to twice as long.
# Osculant does without, so that its times are those of a program that sets nothing.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 36),
               "MALLOC_TOP_PAD_": str(1 << 28)}


class Failed(Exception):
    """What a worker could not do."""


class Process:
    """A worker on its own cores, which stays until it is closed."""

    def __init__(self, library, threads, binary):
        self.library, self.threads, self.binary = library, threads, binary
        self.folder, self.process = None, None

    def start(self):
        environment = dict(os.environ)
        if self.library == "osculant":
            command = [str(self.binary), "--threads", str(self.threads)]
        else:
            module = f"compare.{self.library}_worker"
            command = [sys.executable, "-W", "ignore", "-m", module, str(self.threads)]
            environment |= KEEP_MEMORY | {"OMP_NUM_THREADS": str(self.threads),
                                          "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(FOLDER)}
        cores = machine.cores()[:self.threads]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def ask(self, op, **request):
        """The answer; a process that ended is started again for the next question."""
        if self.process is None:
            self.start()
            if self.folder and op != "load":
                self.ask("load", folder=self.folder)
        try:
            print(json.dumps({"op": op, **request}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            self.process = None
            raise Failed(f"the process ended ({code})")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def load(self, folder):
        self.folder = str(folder)
        return self.ask("load", folder=self.folder)

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
