"""Tests of every cut and every shape count no coverage, which would double their time: others cover the branches."""

import pytest

EXHAUSTIVE = pytest.mark.no_cover
