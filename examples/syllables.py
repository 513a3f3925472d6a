"""Estimate how many syllables an English word has, from its spelling alone."""

import re

VOWELS = re.compile(r"[aeiouyæœ]+")

# Endings that are written and not spoken, if they follow a consonant.
SILENT = re.compile(
    r"""
    (?<=[^aeiouy])
    (?<![^aeiouy]l)             # spoken in table, angles, handled
    (?:
        e
        | (?<![td]) ed          # spoken in refracted
        | (?<![cghsxz]) es      # spoken in edges, glasses
    )
    $
    """,
    re.VERBOSE,
)


def count_syllables(word: str) -> int:
    spoken = SILENT.sub("", word.lower())
    return max(1, len(VOWELS.findall(spoken)))
