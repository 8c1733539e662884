"""Takes the first inputs of a target apart from the fixtures: the parts of workbooks, as tests/fuzz/src/workbook.rs puts them together.

    python3 tests/fuzz/seeds.py tests/fixtures target/fuzz/corpus
"""

import sys
import zipfile
from pathlib import Path

PARTS = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"]
BYTES_MAX = 4096

fixtures, corpus = map(Path, sys.argv[1:])
(corpus / "workbook").mkdir(parents=True, exist_ok=True)
for path in sorted(fixtures.glob("*/*.xls[xm]")):
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        continue
    parts = [archive.read(name) if name in archive.namelist() else b"" for name in PARTS]
    for count in (len(PARTS), 3, 2, 1):
        seed = b"\0".join(parts[:count])
        if len(seed) <= BYTES_MAX:
            (corpus / "workbook" / f"{path.stem}-{count}").write_bytes(seed)
            break
