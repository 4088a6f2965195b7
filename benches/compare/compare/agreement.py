"""Whether libraries compute the same: against PyTorch in f64."""

import numpy as np

from compare.processes import Failed, Process
from compare.workloads import generate, in_f64

CHUNK = 1 << 24


def distance(file, dtype, reference):
    """‖a − b‖ / ‖b‖, for files of any size."""
    a, b = np.memmap(file, dtype, "r"), np.memmap(reference, "<f8", "r")
    if a.size != b.size:
        raise Failed(f"{a.size} numbers, and the reference has {b.size}")
    difference = norm = 0.0
    for start in range(0, a.size, CHUNK):
        x, y = a[start:start + CHUNK].astype("f8"), b[start:start + CHUNK]
        difference += float(((x - y) ** 2).sum())
        norm += float((y * y).sum())
    return (difference / norm) ** 0.5


class Reference:
    """The results of a workload in f64."""

    def __init__(self, workload, folder, seed, threads):
        self.workload, self.folder = in_f64(workload), folder
        generate(self.workload, folder / "f64", seed)
        self.process = Process("torch", threads, None)
        self.process.load(folder / "f64")

    def file(self, column):
        """A file with the reference of this column."""
        file = self.folder / f"reference-{column}.raw"
        if not file.exists():
            form = self.process.ask("candidates", column=column)["candidates"][0]
            self.process.ask("result", column=column, candidate=form, file=str(file))
            self.process.ask("release")
        return file

    def forget(self, column):
        (self.folder / f"reference-{column}.raw").unlink(missing_ok=True)

    def close(self):
        self.process.close()


def check(process, column, form, dtype, reference, scratch):
    """How far a library's result is from the reference."""
    file = scratch / f"{process.library}.raw"
    try:
        process.ask("result", column=column, candidate=form, file=str(file))
        return distance(file, dtype, reference)
    finally:
        file.unlink(missing_ok=True)
