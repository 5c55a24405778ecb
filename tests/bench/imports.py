"""CPU of importing function_app in a fresh interpreter, which is the app's own part of a cold start."""

import resource
import subprocess
import sys
from collections.abc import Mapping

from tests.bench import figures
from tests.bench.cases import Result
from tests.bench.variants import Variant

RUNTIME = "import azure.functions, azure_functions_runtime"


def importing(variant: Variant, environ: Mapping[str, str]) -> Result:
    """Import the worker's runtime alone and the app on top of it."""
    runtime = _milliseconds(RUNTIME, variant, environ)
    both = _milliseconds(f"{RUNTIME}, function_app", variant, environ)
    return {figures.IMPORT: both, figures.IMPORT_APP: both - runtime}


def _milliseconds(statement: str, variant: Variant, environ: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], cwd=variant.folder, env=environ, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
