"""Compares what `gridkeep inspect` reads from spreadsheets, cell by cell, with readers of other hands.

    tests/spreadsheets/check.sh

Every sheet of every file is compared. What Gridkeep refuses is listed with its reason, beside what the other reader says of it.
Exits with 1 when a cell differs.
"""

import argparse
import csv
import datetime
import io
import json
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

# Differences that are known and meant, by file: what the other reader does.
KNOWN = {
    "dates_out_of_range.xlsx": "openpyxl counts back before 1900, and makes an error of what is beyond 9999; Gridkeep keeps the number",
    "has_x000D_.xlsx": "openpyxl leaves `_x000D_` as it stands; ECMA-376 makes it a carriage return",
    "issue_174.xlsx": "openpyxl keeps a blank that Excel drops, without `xml:space`",
    "issue_419.xlsb": "pyxlsb gives the number of a shared string for the string",
    "rich_and_shared_strings.xlsx": "openpyxl leaves `_x000D_` as it stands; ECMA-376 makes it a carriage return",
    "the_day_that_never_was.xlsx": "openpyxl has no 29 February 1900; to Excel it is a day",
    "whitespace_trim.xlsx": "openpyxl keeps blanks that Excel drops, those without `xml:space`",
}

# A file of more cells is a trap.
CELLS_MAX = 2_000_000


class Serial(float):
    """A number that may be a date: the reader does not know number formats."""


def openpyxl_sheets(path):
    import openpyxl

    book = openpyxl.load_workbook(path, data_only=True, rich_text=False)
    for sheet in book.worksheets:
        cells = {}
        # Only the cells that there are: going by rows, openpyxl makes up all those between them.
        for cell in sheet._cells.values():  # noqa: SLF001
            value = cell.value
            if value is None:
                continue
            number_format = cell.number_format or ""
            if re.fullmatch("0{2,}", number_format) and isinstance(value, (int, float)) and value >= 0:
                value = number(value).zfill(len(number_format))
            cells[cell.row - 1, cell.column - 1] = value
        yield sheet.title, cells


def xlrd_sheets(path):
    import xlrd

    book = xlrd.open_workbook(path, logfile=io.StringIO(), on_demand=False, formatting_info=False)
    for sheet in book.sheets():
        cells = {}
        for row in range(sheet.nrows):
            for column in range(sheet.row_len(row)):
                cell = sheet.cell(row, column)
                kind, value = cell.ctype, cell.value
                if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                    continue
                if kind == xlrd.XL_CELL_BOOLEAN:
                    value = bool(value)
                elif kind == xlrd.XL_CELL_ERROR:
                    value = xlrd.error_text_from_code[value]
                elif kind == xlrd.XL_CELL_DATE:
                    value = Serial(value)
                cells[row, column] = value
        yield sheet.name, cells


def pyxlsb_sheets(path):
    import pyxlsb

    with pyxlsb.open_workbook(path) as book:
        for name in book.sheets:
            cells = {}
            try:
                sheet = book.get_sheet(name)
            except (ValueError, KeyError):
                continue
            with sheet:
                for row in sheet.rows(sparse=True):
                    for cell in row:
                        value = cell.v
                        if value is None:
                            continue
                        if isinstance(value, float):
                            value = Serial(value)
                        cells[cell.r, cell.c] = value
            yield name, cells


def odf_sheets(path):
    from odf import opendocument, table, text, office, teletype

    document = opendocument.load(path)
    for sheet in document.spreadsheet.getElementsByType(table.Table):
        cells, row_at = {}, 0
        for row in sheet.getElementsByType(table.TableRow):
            repeat_row = int(row.getAttribute("numberrowsrepeated") or 1)
            column, found = 0, {}
            for cell in row.childNodes:
                if cell.qname[1] not in ("table-cell", "covered-table-cell"):
                    continue
                repeat = int(cell.getAttribute("numbercolumnsrepeated") or 1)
                kind = cell.getAttribute("valuetype")
                value = None
                if kind in ("float", "percentage", "currency"):
                    value = float(cell.getAttribute("value"))
                elif kind == "boolean":
                    value = cell.getAttribute("booleanvalue") == "true"
                elif kind == "date":
                    value = datetime.datetime.fromisoformat(cell.getAttribute("datevalue"))
                elif kind == "time":
                    value = duration_of(cell.getAttribute("timevalue"))
                elif kind == "string":
                    value = cell.getAttribute("stringvalue")
                    if not value:
                        paragraphs = [
                            teletype.extractText(part) for part in cell.childNodes if part.qname[1] == "p"
                        ]
                        value = "\n".join(paragraphs)
                if value is not None and repeat <= 16_384:
                    for at in range(column, column + repeat):
                        found[at] = value
                column += repeat
            if len(cells) + len(found) * repeat_row > CELLS_MAX:
                raise ValueError(f"over {CELLS_MAX} cells")
            if found:
                for at in range(row_at, row_at + repeat_row):
                    for place, value in found.items():
                        cells[at, place] = value
            row_at += repeat_row
        yield sheet.getAttribute("name"), cells


def duration_of(text):
    hours, minutes, seconds = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text).groups()
    return datetime.timedelta(hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0))


def number(value):
    if isinstance(value, int):
        return str(value)
    if value == int(value) and abs(value) < 1e40:
        return str(int(value))
    text = repr(float(value))
    if "e" not in text:
        return text
    from decimal import Decimal

    return format(Decimal(text), "f")


def read_text(text):
    """Our dates, times and durations as seconds since 1899-12-30, or since midnight."""
    date = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d(?:\.\d+)?))?", text)
    clock = re.fullmatch(r"(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?)", text)
    if date and date[1] != "1900-02-29":
        day = datetime.datetime.fromisoformat(date[1])
        seconds = (day - datetime.datetime(1899, 12, 30)).total_seconds()
        if date[2]:
            hours, minutes, rest = date[2].split(":")
            seconds += int(hours) * 3600 + int(minutes) * 60 + float(rest)
        return seconds
    if clock:
        seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + float(clock[4])
        return -seconds if clock[1] else seconds
    return None


def same(text, value):
    """Whether our text stands for the other reader's value."""
    if isinstance(value, bool):
        return text == ("TRUE" if value else "FALSE")
    if isinstance(value, str):
        return text == value or text.replace("\r\n", "\n") == value.replace("\r\n", "\n")
    seconds = None
    if isinstance(value, datetime.datetime):
        seconds = (value.replace(tzinfo=None) - datetime.datetime(1899, 12, 30)).total_seconds()
    elif isinstance(value, datetime.date):
        seconds = (value - datetime.date(1899, 12, 30)).days * 86400.0
    elif isinstance(value, datetime.time):
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    elif isinstance(value, datetime.timedelta):
        seconds = value.total_seconds()
    if seconds is None:
        if text == number(value):
            return True
        if not isinstance(value, Serial):
            return False
        seconds = value * 86400
        # Both epochs, and the day that Excel believes in.
        theirs = [seconds, seconds + 1462 * 86400, seconds + 86400]
    else:
        theirs = [seconds]
    ours = read_text(text)
    return ours is not None and any(abs(ours - other) < 0.0011 for other in theirs)


def rectangle(cells, dimension_left):
    """Rows that hold anything, from the table's first column on."""
    if not cells:
        return []
    left = min(column for _, column in cells)
    rows = sorted({row for row, _ in cells})
    right = max(column for _, column in cells)
    return [[cells.get((row, column)) for column in range(min(left, dimension_left), right + 1)] for row in rows]


def inspect(gridkeep, path, sheet, what):
    # Every row is a row here, titles and footnotes too: all cells are compared.
    command = [gridkeep, "inspect", str(path), what, "--preamble", "0", "--footer", "0", "--header-rows", "0"]
    command += ["--sheet", sheet] if sheet else []
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        return None, done.stderr.decode().strip().removeprefix("gridkeep: ")
    return done.stdout.decode(), None


def compare(gridkeep, path, sheet, cells):
    """Differences of a sheet, or why it is refused."""
    printed, refusal = inspect(gridkeep, path, sheet, "--csv")
    if printed is None:
        return [], 0, refusal
    told = json.loads(inspect(gridkeep, path, sheet, "--json")[0])
    csv.field_size_limit(1 << 30)
    ours = list(csv.reader(io.StringIO(printed, newline="")))
    if not told["dialect"]["header"]:
        ours = ours[1:]
    width = max(map(len, ours), default=0)
    theirs = rectangle(cells, 0)
    # Columns before the first that holds anything are left out where the sheet says so.
    while theirs and len(theirs[0]) > width and all(row[0] is None for row in theirs):
        theirs = [row[1:] for row in theirs]
    differences = []
    if len(theirs) != len(ours):
        differences.append(f"{len(ours)} rows, the other reader has {len(theirs)}")
    count = 0
    for at, (mine, other) in enumerate(zip(ours, theirs), 1):
        other = other + [None] * (len(mine) - len(other))
        for column, (text, value) in enumerate(zip(mine, other), 1):
            count += 1
            if not (text == "" if value is None else same(text, value)):
                differences.append(f"row {at} column {column}: {text!r}, the other reader has {value!r}")
    return differences, count, None


def reader(path):
    """The other reader, by content and not by name."""
    head = path.open("rb").read(8)
    if head.startswith(b"PK"):
        names = zipfile.ZipFile(path).namelist()
        if "mimetype" in names:
            return odf_sheets
        return pyxlsb_sheets if any(name.endswith("workbook.bin") for name in names) else openpyxl_sheets
    return xlrd_sheets


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folders", type=Path, nargs="+")
    arguments.add_argument("--gridkeep", default="target/debug/gridkeep")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    cells = sheets = wrong = 0
    for path in sorted(path for folder in arguments.folders for path in folder.iterdir()):
        if path.suffix.lower() not in (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"):
            continue
        try:
            found = list(reader(path)(path))
        except Exception as error:  # noqa: BLE001: whatever it says is what is shown
            _, refusal = inspect(arguments.gridkeep, path, None, "--csv")
            print(f"{path.name}: the other reader refuses it ({type(error).__name__}: {error}); "
                  f"Gridkeep {'refuses it: ' + refusal if refusal else 'reads it'}")
            continue
        for sheet, content in found:
            differences, count, refusal = compare(arguments.gridkeep, path, sheet, content)
            sheets, cells = sheets + 1, cells + count
            if refusal:
                filled = len(content)
                print(f"{path.name} `{sheet}`: refused ({refusal}); the other reader finds {filled} cells")
            if differences and path.name in KNOWN:
                print(f"{path.name} `{sheet}`: {len(differences)} differences that are known: {KNOWN[path.name]}")
            elif differences:
                wrong += len(differences)
                print(f"{path.name} `{sheet}`: {len(differences)} differences")
                for difference in differences[:10]:
                    print(f"    {difference}")
    print(f"{cells} cells of {sheets} sheets compared, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
