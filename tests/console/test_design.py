"""The living design pages say of every part when to use it, and of none that is gone."""

import re
from pathlib import Path

from chassis.console.design.parts import macros_there_are
from chassis.console.design.uses import CLASSES, MACROS

STYLES = Path(__file__).parents[2] / "chassis/console/front/css"


def classes_there_are() -> set[str]:
    """As the selectors of the style sheets name them."""
    styles = "".join(path.read_text() for path in sorted(STYLES.glob("*.css")))
    bare = re.sub(r"/\*.*?\*/|@import[^;]*;|\{[^{}]*\}", "", styles, flags=re.DOTALL)
    return set(re.findall(r"\.([a-z][a-z-]*)", bare))


def test_every_macro_has_a_sentence() -> None:
    assert set(MACROS) == macros_there_are()


def test_every_class_has_a_sentence() -> None:
    told = [name for names in CLASSES for name in names.split(", ")]
    assert sorted(told) == sorted(classes_there_are())
