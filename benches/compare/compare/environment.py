"""The Python environment of the other libraries, at the versions of requirements.txt.

Made in `.venv` beside this folder on first use. `OSCULANT_COMPARE_PYTHON=/path/to/bin/python`
takes an environment that exists, if its versions are the same.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
REQUIREMENTS = FOLDER / "requirements.txt"


def pins():
    lines = REQUIREMENTS.read_text().split()
    return dict(line.split("==") for line in lines)


def installed(python):
    code = """if True:
        import importlib.metadata as m, json, sys
        versions = {}
        for name in sys.argv[1:]:
            try:
                versions[name] = m.version(name).split("+")[0]
            except m.PackageNotFoundError:
                pass
        print(json.dumps(versions))"""
    out = subprocess.run([python, "-c", code, *pins()], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def ensure():
    """The Python that has everything, installed if it is ours and lacks something."""
    given = os.environ.get("OSCULANT_COMPARE_PYTHON")
    python = Path(given) if given else FOLDER / ".venv" / "bin" / "python"
    if not given and not python.exists():
        print(f"making {python.parent.parent}", file=sys.stderr)
        venv.create(python.parent.parent, with_pip=True)
    if installed(python) != pins() and not given:
        print("installing the other libraries", file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
    if (found := installed(python)) != pins():
        different = {name: found.get(name, "nothing") for name, version in pins().items()
                     if found.get(name) != version}
        sys.exit(f"{python} has other versions than requirements.txt: {different}")
    return python
