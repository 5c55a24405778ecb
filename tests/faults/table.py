"""All rows of the matrix."""

from tests.faults.connection import CONNECTION
from tests.faults.cuts import CUTS
from tests.faults.events import EVENT_FAULTS
from tests.faults.refusals import REFUSALS
from tests.faults.silence import SILENCE
from tests.faults.throttling import THROTTLING

FAULTS = (*CONNECTION, *SILENCE, *THROTTLING, *REFUSALS, *CUTS, *EVENT_FAULTS)
