"""Large archives, done unit by unit, so that whatever ends a run costs no more than the units it was at."""
