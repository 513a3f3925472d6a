"""What the benchmarks have in common. They are scripts: with this they find the repository's own packages, too."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
