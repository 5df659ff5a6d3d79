#!/usr/bin/env python3
"""Write patterns/contact/area_codes.tsv: the area codes of Japan.

Source: the PyPI package phonenumbers 9.0.43 (Apache-2.0), whose formatter splits every valid fixed number after its
area code. All heads of five digits after the 0 are tried.

    python3 -m venv venv && venv/bin/pip install phonenumbers==9.0.43 && venv/bin/python scripts/places/area_codes.py
"""
import datetime
import pathlib

import phonenumbers

codes = set()
for head in range(10000, 100000):
    if str(head).startswith("10"):
        continue  # the international prefix
    number = phonenumbers.parse(f"0{head}2345", "JP")
    kind = phonenumbers.number_type(number)
    if kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE):
        codes.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL).split("-")[0])

lines = [
    "# Area codes of Japan, by trying every head with the formatter of the package; made by scripts/places/area_codes.py.",
    f"# Source: PyPI phonenumbers 9.0.43, Apache-2.0. Made {datetime.date.today()}. {len(codes)} codes.",
]
row = []
for code in sorted(codes):
    row.append(code)
    if len(row) == 20:
        lines.append(" ".join(row))
        row = []
if row:
    lines.append(" ".join(row))
path = pathlib.Path(__file__).parents[2] / "patterns/contact/area_codes.tsv"
path.write_text("\n".join(lines) + "\n", encoding="utf-8")
print(len(codes), "area codes")
