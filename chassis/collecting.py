"""How seldom Python's collector looks, at what is there from the start and at what comes after."""

import gc

AFTER = (50_000, 20, 50)
"""For `gc.set_threshold`: not after every few events of a batch."""


def look_seldom() -> None:
    gc.set_threshold(*AFTER)


def collect_less() -> None:
    """What is here now stays: the collector need not walk over it again."""
    gc.collect()
    gc.freeze()
    look_seldom()
