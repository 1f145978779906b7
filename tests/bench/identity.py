"""How well people are known by name: python tests/bench/identity.py [PART...]

Everything is judged on people that nothing was learnt on: those of lfw_even with crc32(name) % 4 == 2 (thresholds are learnt on the
others), and faces of UTKFace by cohorts that are made of other faces. What is drawn by chance is always the same. Faces are described once
and kept in the folder for temporary files: a second run takes minutes. FACESTREAM_DLIB_WEIGHTS names dlib's own file, to time dlib beside.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import identity_groups
import identity_network
import identity_parts

PARTS = {
    "pairs": identity_parts.pairs,
    "open-set": identity_parts.open_set,
    "east-asian": identity_groups.east_asian,
    "groups": identity_groups.by_group,
    "enrolment": identity_parts.enrolment,
    "looks": identity_parts.looks,
    "tracks": identity_parts.tracks,
    "sorting": identity_parts.sorting,
    "own-cohorts": identity_parts.own_cohorts,
    "another-network": identity_network.another_network,
    "speed": identity_parts.speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for name in chosen:
        print(f"\n{name}: {(PARTS[name].__doc__ or '').splitlines()[0]}", flush=True)
        PARTS[name]()


if __name__ == "__main__":
    main()
