"""Write the lexicons of the names engine from pinned packages. Same packages, same bytes.

Usage: lexicons.py SITE_PACKAGES AMERICAN_ENGLISH OUT   (run by scripts/names/make, which installs the packages)

Reads   sudachidict_core 20260723 (Apache-2.0; UniDic BSD-3 notice; dictionary format version 2)
        japanese-personal-name-dataset 0.4.0 (MIT), names 0.3.0 (MIT), Faker 40.63.0 (MIT), Debian wamerican (SCOWL)
Writes  japanese.tsv, given_more.tsv, surname_heads.tsv, latin.tsv, english.txt
"""
import bisect
import collections
import csv
import importlib
import os
import pkgutil
import re
import struct
import sys
import unicodedata

DATE = "2026-11-24"
HERE = os.path.dirname(os.path.abspath(__file__))
OLD = {}
for line in open(f"{HERE}/../../patterns/text/old_characters.tsv", encoding="utf-8"):
    if not line.startswith("#"):
        a, b = line.split("\t")[:2]
        OLD[a] = b.strip()

STEPS = [-6000, -3500, -2000, -800, 0, 800, 2000, 4000]
READ_STEPS = [2, 6, 20, 60]
KANJI = re.compile(r"^[一-鿿㐀-䶿々〆ヶ]+$")
KATAKANA = re.compile(r"^[ァ-ヴー]+$")
HIRAGANA = re.compile(r"^[ぁ-ゔー]+$")
WORD = re.compile(r"^[一-鿿㐀-䶿々〆ヶヵぁ-ゔァ-ヴー・＝=]+$")
LATIN = re.compile(r"^[A-Za-zÀ-ɏḀ-ỿ'’-]+$")


def fold(word):
    return "".join(OLD.get(c, c) for c in word)


def sudachi(path):
    """Rows of the binary dictionary: surface, connection id, cost, four levels of part of speech, reading."""
    data = open(path, "rb").read()
    at = 272

    def string(at):
        n = data[at]
        at += 1
        if n > 127:
            n = ((n & 0x7F) << 8) | data[at]
            at += 1
        return data[at:at + 2 * n].decode("utf-16-le", "surrogatepass"), at + 2 * n

    (count,) = struct.unpack_from("<H", data, at)
    at += 2
    parts = []
    for _ in range(count):
        row = []
        for _ in range(6):
            s, at = string(at)
            row.append(s)
        parts.append(row)
    left, right = struct.unpack_from("<HH", data, at)
    at += 4 + 2 * left * right
    (size,) = struct.unpack_from("<I", data, at)
    at += 4 + 4 * size
    (size,) = struct.unpack_from("<I", data, at)
    at += 4 + size
    (n,) = struct.unpack_from("<I", data, at)
    at += 4
    params = at
    at += 6 * n
    offsets = struct.unpack_from(f"<{n}I", data, at)
    for i in range(n):
        l, _, cost = struct.unpack_from("<hhh", data, params + 6 * i)
        surface, p = string(offsets[i])
        p += 2 if data[p] > 127 else 1
        (pos,) = struct.unpack_from("<H", data, p)
        _, p = string(p + 2)
        reading, _ = string(p + 4)
        yield surface, l, cost, parts[pos], reading or surface


def class_of(p):
    if p[1] == "固有名詞":
        if p[2] == "人名":
            return {"姓": "S", "名": "G"}.get(p[3], "P")
        return "L" if p[2] == "地名" else "O"
    if p[0] in ("名詞", "代名詞", "形状詞"):
        return "N"
    if p[0] in ("接尾辞", "接頭辞"):
        return "F"
    return "" if p[0] in ("記号", "補助記号", "空白") else "V"


def head(f, what, source, licence, columns):
    f.write(f"# {what}\n# Source: {source}. Licence: {licence}. Made {DATE} by scripts/names/make; do not edit by hand.\n# {columns}\n")


def japanese(site, out):
    best = {}
    reads = {"S": collections.Counter(), "G": collections.Counter()}
    for surface, left, cost, part, reading in sudachi(f"{site}/sudachidict_core/resources/system.dic"):
        if not surface or len(surface) > 12 or not WORD.match(surface):
            continue
        kind = class_of(part)
        if not kind:
            continue
        row = best.setdefault(fold(surface), {})
        row[kind] = min(cost if left >= 0 else 15000, row.get(kind, 1 << 30))
        if kind in "SG" and left >= 0 and not KATAKANA.match(surface) and not HIRAGANA.match(surface):
            reads[kind][reading] += 1
    names = {w for w, row in best.items() if set(row) & set("SG") and len(w) >= 2}

    def holds_name(w):
        return any(w[a:b] in names for a in range(len(w)) for b in range(a + 2, len(w) + 1))

    rows = {}
    for word, row in best.items():
        code = ""
        person = set(row) & set("SGP")
        if person:
            if len(word) > (12 if "P" in row else 8):
                continue
            other = min((c for k, c in row.items() if k not in "SGP"), default=None)
            for k in "SG":
                if k in row:
                    code += k + ("u" if other is None else str(bisect.bisect(STEPS, other - row[k])))
            code += "P" if "P" in row else ""
        elif not (2 <= len(word) <= (8 if KATAKANA.match(word) else 5) and (holds_name(word) or "L" in row and len(word) <= 3 and KANJI.match(word))):
            if not ("N" in row and (2 <= len(word) <= 4 and KANJI.match(word) or 3 <= len(word) <= 8 and KATAKANA.match(word))):
                continue
        rows[word] = code + "".join(k for k in "LONVF" if k in row)
    for k, mark in (("S", "s"), ("G", "g")):
        for reading, n in reads[k].items():
            if KATAKANA.match(reading) and 2 <= len(reading) <= 8:
                rows[reading] = rows.get(reading, "") + mark + str(bisect.bisect(READ_STEPS, n))
    with open(f"{out}/japanese.tsv", "w", encoding="utf-8") as f:
        head(f, "Japanese names, their readings, and the ordinary words and places that speak against a name.",
             "SudachiDict core 20260723 (PyPI sudachidict_core)", "Apache-2.0, with the UniDic BSD-3 notice",
             "word, tab, marks: S0-8|Su surname (steps of the cost of the cheapest other reading minus its own; u: nothing else), G0-8|Gu given name, "
             "P other person, L place, O other proper noun, N noun, V other word, F affix; on katakana s0-4 g0-4: reading of that many kanji surnames, given names")
        for word, code in sorted(rows.items()):
            f.write(f"{word}\t{code}\n")
    return rows


def dataset(site, out, rows):
    base = f"{site}/japanese_personal_name_dataset/dataset"
    heads = {}
    for r in csv.reader(open(f"{base}/last_name_org.csv", encoding="utf-8")):
        w = fold(r[0])
        if int(r[1]) > heads.get(w, (0, ""))[0]:
            heads[w] = (int(r[1]), r[2])
    with open(f"{out}/surname_heads.tsv", "w", encoding="utf-8") as f:
        head(f, "Common surnames with the estimated number of people and a reading.", "PyPI japanese-personal-name-dataset 0.4.0", "MIT", "surname, people, reading")
        for w, (n, reading) in sorted(heads.items()):
            f.write(f"{w}\t{n}\t{reading}\n")
    given = set()
    for name in ("man", "woman"):
        for r in csv.reader(open(f"{base}/first_name_{name}_org.csv", encoding="utf-8")):
            given.update(fold(w) for w in [r[0], *r[2:]] if w)
    with open(f"{out}/given_more.tsv", "w", encoding="utf-8") as f:
        head(f, "Given names that SudachiDict does not hold.", "PyPI japanese-personal-name-dataset 0.4.0", "MIT", "given name")
        for w in sorted(given):
            if WORD.match(w) and 2 <= len(w) <= 8 and not re.search("[SG]", rows.get(w, "")):
                f.write(w + "\n")
    # Given names in kanji with their readings; sorted by bytes, so that the file is searched as it is.
    readings = {}
    for name in ("man", "woman"):
        for r in csv.reader(open(f"{base}/first_name_{name}_org.csv", encoding="utf-8")):
            for w in r[2:]:
                if KANJI.match(w) and len(w) <= 4:
                    readings.setdefault(fold(w), set()).add(r[0])
    with open(f"{out}/given_readings.tsv", "w", encoding="utf-8") as f:
        head(f, "Given names in kanji with their readings.", "PyPI japanese-personal-name-dataset 0.4.0", "MIT", "given name, readings")
        for w in sorted(readings, key=lambda w: w.encode("utf-8")):
            f.write("\t".join([w, *sorted(readings[w])]) + "\n")


def latin(site, words, out):
    row = collections.defaultdict(lambda: ["", "", "", ""])
    for name, at, mark, edges, top in (("dist.female.first", 0, "g", [100, 500], 99999), ("dist.male.first", 0, "g", [100, 500], 99999),
                                       ("dist.all.last", 1, "s", [500, 5000, 20000], 40000)):
        for line in open(f"{site}/names/{name}"):
            p = line.split()
            if int(p[3]) <= top:
                code = mark + str(bisect.bisect(edges, int(p[3])))
                old = row[p[0].lower()][at]
                row[p[0].lower()][at] = min(code, old) if old else code
    sys.path.insert(0, site)
    person = importlib.import_module("faker.providers.person")
    for module in sorted(m.name for m in pkgutil.iter_modules(person.__path__)):
        provider = importlib.import_module(f"faker.providers.person.{module}").Provider
        for attribute in sorted(dir(provider)):
            at = 2 if attribute.startswith("first_name") else 3 if attribute.startswith("last_name") else None
            value = getattr(provider, attribute) if at else None
            if isinstance(value, (tuple, list, dict, set)):
                for entry in value:
                    for w in re.split(r"[\s.]+", entry) if isinstance(entry, str) else ():
                        if LATIN.match(w) and len(w) > 1:
                            row[unicodedata.normalize("NFC", w.lower())][at] = "F" if at == 2 else "L"
    with open(f"{out}/latin.tsv", "w", encoding="utf-8") as f:
        head(f, "Names in Latin letters, lower case.", "US Census 1990 in PyPI names 0.3.0; person providers of PyPI Faker 40.63.0", "MIT (both)",
             "word, tab, marks: g0-2 given name by rank, s0-3 surname by rank (Census); F given name, L surname (Faker)")
        for w, codes in sorted(row.items()):
            f.write(f"{w}\t{''.join(codes)}\n")
    plain = sorted({w.strip() for w in open(words, encoding="utf-8") if w[:1].islower() and w.strip().isascii() and w.strip().isalpha() and len(w.strip()) > 1})
    with open(f"{out}/english.txt", "w", encoding="utf-8") as f:
        head(f, "Ordinary English words.", "Debian wamerican 2020.12.07-2 (SCOWL)", "SCOWL's free permission notice", "one word a line")
        for w in plain:
            f.write(w + "\n")


def main():
    site, words, out = sys.argv[1:4]
    os.makedirs(out, exist_ok=True)
    rows = japanese(site, out)
    dataset(site, out, rows)
    latin(site, words, out)


if __name__ == "__main__":
    main()
