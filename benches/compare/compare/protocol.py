"""Workers: one process per library, which answers a line of JSON with a line of JSON.

Osculant's own worker, `src/protocol.rs`, speaks the same language.
"""

import ctypes
import gc
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

SHORTEST = 0.1
"""A sample lasts at least this many seconds: in shorter ones what counts is how fast caches fill and
sleeping cores wake, and a library that computes many results in one call would seem faster."""

LONG = 0.1
"""A run of so many seconds need not be timed beforehand to know that one fills a sample."""

COLUMNS = ["forward", "gradient", "fresh", "thirty", "product", "block8", "hessian",
           "per_example", "diagonal", "dense_sweep"]
SAME_AS = {"dense_sweep": "product"}
"""Columns of Osculant alone that compute by another way what this column of everyone's does."""
THIRTY = 30


@dataclass
class Form:
    """One way in which a library computes a column.

    `prepare` is not timed; `run` takes what it returns, by turns at two points θ if `prepare`
    gives a list of two; `to_flat` brings a result of the first into the common layout.
    """

    run: Callable[[Any], Any]
    to_flat: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    results: int = 1
    """How many results a run gives."""


class Worker:
    """A library: subclasses fill in `versions`, `load` and `forms`."""

    def __init__(self):
        self.all_forms, self.prepared = {}, (None, None)

    def versions(self):
        raise NotImplementedError

    def load(self, workload):
        raise NotImplementedError

    def forms(self, column):
        """The forms of a column by name: none if the library has none."""
        raise NotImplementedError

    def form(self, column, name):
        if column not in self.all_forms:
            self.all_forms[column] = self.forms(column)
        return self.all_forms[column][name]

    def state(self, column, name):
        if self.prepared[0] != (column, name):
            self.release()
            self.prepared = ((column, name), self.form(column, name).prepare())
        return self.prepared[1]

    def release(self):
        self.prepared = (None, None)
        gc.collect()

    def result(self, column, name, file):
        form = self.form(column, name)
        form.to_flat(form.run(self.state(column, name))).tofile(file)

    def time(self, column, name, repeats):
        form, state = self.form(column, name), self.state(column, name)

        def seconds(calls):
            start = time.perf_counter()
            for _ in range(calls):
                form.run(state)
            return (time.perf_counter() - start) / calls

        calls = 1
        if seconds(1) < LONG:
            calls = min(max(math.ceil(SHORTEST / seconds(1)), 1), 10_000)
        return [seconds(calls) / form.results for _ in range(repeats)]

    def memory(self, column, name):
        """Bytes at the peak of preparing and running, above those before.

        What is loaded or compiled on first use does not count: all is run once beforehand.
        """
        self.time(column, name, 1)
        self.release()
        self.forget()
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS:")
        self.time(column, name, 1)
        return max(status("VmHWM:") - before, 0)

    def forget(self):
        """Drops whatever else a library keeps between runs."""

    def answer(self, request):
        match request:
            case {"op": "versions"}:
                return self.versions()
            case {"op": "load", "folder": folder}:
                from compare.workloads import Loaded
                workload = Loaded(folder)
                self.load(workload)
                return {"parameters": workload.n}
            case {"op": "candidates", "column": column}:
                self.all_forms[column] = self.forms(column)
                return {"candidates": list(self.all_forms[column])}
            case {"op": "result", "column": column, "candidate": name, "file": file}:
                return self.result(column, name, file) or {}
            case {"op": "time", "column": column, "candidate": name, "repeats": repeats}:
                return {"seconds": self.time(column, name, repeats)}
            case {"op": "memory", "column": column, "candidate": name}:
                return {"bytes": self.memory(column, name)}
            case {"op": "ceiling", "dtype": dtype, "repeats": repeats}:
                return {"seconds": self.ceiling(dtype, repeats)}
            case {"op": "release"}:
                return self.release() or {}
        return {"error": f"an unknown request: {request}"}

    def ceiling(self, dtype, repeats):
        """Seconds of a product of two matrices of 1024 rows and columns."""
        raise NotImplementedError


def status(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name} in status")


def serve(worker):
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "quit":
            break
        try:
            answer = worker.answer(request)
        except Exception as error:  # The driver reports it and goes on without this form.
            answer = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        print(json.dumps(answer), file=answers, flush=True)
