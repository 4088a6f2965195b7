"""The machine: its processor, and cores to run on."""

import platform
from pathlib import Path


def processor():
    model, flags = platform.processor() or "unknown", ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        if key.strip() == "cpu family":
            model += f", family {value.strip()}"
        if key.strip() == "flags":
            flags = value.split()
            break
    vectors = next((name for flag, name in [("avx512f", "AVX-512"), ("avx2", "AVX2")]
                    if flag in flags), "no AVX")
    return f"{model}, {vectors}"


def cores():
    """One processor number for each physical core that this process may use."""
    import os
    chosen, seen = [], set()
    for cpu in sorted(os.sched_getaffinity(0)):
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        siblings = path.read_text().strip() if path.exists() else str(cpu)
        if siblings not in seen:
            seen.add(siblings)
            chosen.append(cpu)
    return chosen
