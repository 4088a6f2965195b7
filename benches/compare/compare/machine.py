"""The machine: its processor, and cores to run on."""

import os
import platform
from pathlib import Path


def processor():
    known = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        known.setdefault(key.strip(), value.strip())
    name = known.get("model name") or platform.processor() or "unknown"
    flags = known.get("flags", "").split()
    vectors = next((vectors for flag, vectors in [("avx512f", "AVX-512"), ("avx2", "AVX2")]
                    if flag in flags), "no AVX")
    family = f"family {known.get('cpu family', '?')}, model {known.get('model', '?')}"
    return f"{name} ({family}), {vectors}, {len(cores())} cores"


def cores():
    """One processor number for each physical core that this process may use."""
    chosen, seen = [], set()
    for cpu in sorted(os.sched_getaffinity(0)):
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        siblings = path.read_text().strip() if path.exists() else str(cpu)
        if siblings not in seen:
            seen.add(siblings)
            chosen.append(cpu)
    return chosen
