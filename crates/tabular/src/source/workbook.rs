//! Workbooks as delimited text, one sheet of them. XLSX and XLSM are streamed: memory is the strings that cells share. XLSB, XLS
//! and ODS are read as a whole, up to a size. A cell is what is stored, not how it is shown; but its number format says whether a
//! number is a date, and how many leading zeros it has. Record N is row N of the sheet. Next: [`super::delimited`].

use std::{fmt, io::BufReader, ops::ControlFlow};

use calamine::{
    Data, DataRef, ExcelDateTime, Ods, OdsError, Range, Reader, Sheet, SheetType, SheetVisible,
    Style, Xls, XlsError, Xlsb, XlsbError, Xlsx, XlsxError,
};
use contracts::plan::FileFormat;

use super::{
    Asked, Input, Note, Take, column_letters, compound,
    delimited::Writer,
    package,
    packed::{choices, inner_fault, limit, names},
    print::{date, duration, number, time_of_day},
    unharmed,
};
use crate::FileError;

/// Formats that are read as a whole are read up to this size.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;
/// And up to as many cells, blank ones between them counted.
pub(super) const CELLS_MAX: u64 = 4_000_000;
/// Rows of the longest sheet that any program makes.
const ROWS_MAX: u32 = 1 << 24;
/// The first rows are looked at together, to learn where the table begins and how wide it is.
const AHEAD_BYTES: usize = 64 * 1024;
const AHEAD_ROWS: usize = 1_000;

type File = BufReader<Input>;

enum Book {
    Xlsx(Box<Xlsx<File>>, Vec<Shown>),
    Xlsb(Box<Xlsb<File>>),
    Xls(Box<Xls<File>>),
    Ods(Box<Ods<File>>),
}

/// A workbook, and the sheet of it that is read.
pub(super) struct Workbook {
    book: Book,
    sheet: String,
    /// Of the table, once it was read.
    first_column: u32,
}

impl fmt::Debug for Workbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workbook")
            .field("sheet", &self.sheet)
            .finish_non_exhaustive()
    }
}

/// What a number format makes of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Number,
    /// So many digits at least.
    Zeros(usize),
    /// A date without a time.
    Date,
    /// A time without a date.
    Time,
    /// Both; or it is not known.
    DateTime,
}

impl Shown {
    fn of(style: &Style) -> Self {
        let Some(format) = &style.number_format else {
            return Self::Number;
        };
        let code = format.format_code.as_str();
        if code.len() > 1 && code.len() < 64 && code.bytes().all(|byte| byte == b'0') {
            return Self::Zeros(code.len());
        }
        match parts(code) {
            (true, false) => Self::Date,
            (false, true) => Self::Time,
            (true, true) => Self::DateTime,
            (false, false) => Self::Number,
        }
    }
}

/// Whether a number format shows a date, and whether a time.
fn parts(code: &str) -> (bool, bool) {
    let (mut date, mut time) = (false, false);
    let mut minutes_or_months = false;
    let mut characters = code.chars();
    let mut quoted = false;
    while let Some(c) = characters.next() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                // Colours, currencies and conditions; hours that run on are no time of day.
                for inner in characters.by_ref() {
                    if inner == ']' {
                        break;
                    }
                }
            }
            ';' => break,
            'd' | 'D' | 'y' | 'Y' | 'e' | 'g' => date = true,
            'h' | 'H' | 's' | 'S' => time = true,
            'm' | 'M' => minutes_or_months = true,
            _ => {}
        }
    }
    // Beside hours or seconds an `m` is a minute, else a month.
    (date || (minutes_or_months && !time), time)
}

impl Workbook {
    /// Opens the workbook and chooses the sheet: the one of this name, or the first visible one that holds anything. Beside it the
    /// sheets that are tables by themselves, if the workbook is taken apart.
    pub(super) fn open(
        input: &Input,
        format: FileFormat,
        asked: &Asked<'_>,
    ) -> Result<(Self, Vec<String>, Vec<Note>), FileError> {
        unharmed(damaged, || {
            let mut book = Book::open(input, format, asked.first)?;
            let mut sheets = book.sheets();
            sheets.retain(|sheet| sheet.typ == SheetType::WorkSheet);
            if let Some(wanted) = asked.sheet {
                if !sheets.iter().any(|sheet| sheet.name == wanted) {
                    return Err(FileError::Options(format!(
                        "The workbook has no sheet `{wanted}`. It has {}.",
                        names(sheets.iter().map(|sheet| sheet.name.as_str()))
                    )));
                }
                let sheet = wanted.to_owned();
                let workbook = Self {
                    book,
                    sheet,
                    first_column: 0,
                };
                return Ok((workbook, Vec::new(), Vec::new()));
            }
            let mut filled = Vec::new();
            for sheet in &sheets {
                if book.has_values(&sheet.name)? {
                    filled.push(sheet);
                }
            }
            let is_visible = |sheet: &Sheet| sheet.visible == SheetVisible::Visible;
            let Some(chosen) = filled.iter().copied().find(|sheet| is_visible(sheet)) else {
                return match filled.first() {
                    None => Err(FileError::Empty),
                    Some(_) => Err(FileError::Options(format!(
                        "Only hidden sheets of the workbook hold anything: {}. Choose one of them.",
                        names(filled.iter().map(|sheet| sheet.name.as_str()))
                    ))),
                };
            };
            let others = filled
                .iter()
                .copied()
                .filter(|sheet| sheet.name != chosen.name);
            let (beside, left): (Vec<&Sheet>, Vec<&Sheet>) =
                others.partition(|sheet| asked.apart.sheets && is_visible(sheet));
            let mut beside: Vec<String> = beside.iter().map(|sheet| sheet.name.clone()).collect();
            let mut notes = Vec::new();
            if !left.is_empty() {
                let left = names(left.iter().map(|sheet| sheet.name.as_str()));
                let message = if asked.apart.sheets {
                    format!(
                        "Hidden sheets are not imported. Choose one of them to read that: {left}."
                    )
                } else {
                    format!(
                        "Only the sheet `{}` is read. Choose another sheet to read that: {left}.",
                        chosen.name,
                    )
                };
                notes.push(Note {
                    code: "other_sheets",
                    message,
                });
            }
            notes.extend(limit(&mut beside, "sheets"));
            let sheet = chosen.name.clone();
            let workbook = Self {
                book,
                sheet,
                first_column: 0,
            };
            Ok((workbook, beside, notes))
        })
    }

    pub(super) fn sheet(&self) -> &str {
        &self.sheet
    }

    /// Names of all its sheets, hidden ones too, where there are several.
    pub(super) fn sheets(&self) -> Vec<String> {
        let sheets = self.book.sheets();
        let sheets: Vec<&str> = sheets
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| sheet.name.as_str())
            .collect();
        choices(sheets.into_iter())
    }

    pub(super) fn pour(&mut self, take: &mut Take<'_>) -> Result<(), FileError> {
        let Self { book, sheet, .. } = self;
        self.first_column = unharmed(damaged, || {
            let mut rows = Rows::new(sheet, take);
            book.read(sheet, &mut |cell| match cell {
                Found::From(column) => {
                    rows.said = column;
                    Ok(ControlFlow::Continue(()))
                }
                Found::Cell(row, column, text) => rows.cell(row, column, text),
            })?;
            rows.finish()
        })?;
        Ok(())
    }

    pub(super) fn first_column(&self) -> u32 {
        self.first_column
    }
}

/// What a sheet's reader comes upon.
enum Found<'a> {
    /// The first column, as the sheet says.
    From(u32),
    /// A cell with a value, by its row and column from 0.
    Cell(u32, u32, &'a str),
}

type Each<'a> = dyn FnMut(Found<'_>) -> Result<ControlFlow<()>, FileError> + 'a;

impl Book {
    fn open(input: &Input, format: FileFormat, first: bool) -> Result<Self, FileError> {
        let streamed = matches!(format, FileFormat::Xlsx | FileFormat::Xlsm);
        if !streamed && input.bytes() > WHOLE_MAX {
            return Err(FileError::TooLarge(format!(
                "The workbook is {} bytes long; of its format at most {WHOLE_MAX} can be read. Save it as XLSX and upload that.",
                input.bytes()
            )));
        }
        match format {
            _ if !first => {}
            FileFormat::Xls => compound::check(input)?,
            _ => package::check(input, format)?,
        }
        let file = input.start();
        Ok(match format {
            FileFormat::Xlsb => Self::Xlsb(Box::new(Xlsb::new(file).map_err(xlsb_fault)?)),
            FileFormat::Xls => Self::Xls(Box::new(Xls::new(file).map_err(xls_fault)?)),
            FileFormat::Ods => Self::Ods(Box::new(Ods::new(file).map_err(ods_fault)?)),
            _ => Self::Xlsx(Box::new(Xlsx::new(file).map_err(xlsx_fault)?), Vec::new()),
        })
    }

    fn sheets(&self) -> Vec<Sheet> {
        match self {
            Self::Xlsx(book, _) => book.sheets_metadata(),
            Self::Xlsb(book) => book.sheets_metadata(),
            Self::Xls(book) => book.sheets_metadata(),
            Self::Ods(book) => book.sheets_metadata(),
        }
        .to_vec()
    }

    fn has_values(&mut self, sheet: &str) -> Result<bool, FileError> {
        let mut any = false;
        self.read(sheet, &mut |found| {
            any |= matches!(found, Found::Cell(..));
            Ok(if any {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(any)
    }

    /// Gives out every cell that has a value, row by row.
    fn read(&mut self, sheet: &str, each: &mut Each<'_>) -> Result<(), FileError> {
        let mut text = String::new();
        match self {
            Self::Xlsx(book, shown) => {
                let epoch = Epoch::of(book.has_1904_epoch());
                let mut cells = match book.worksheet_cells_reader(sheet) {
                    Ok(cells) => cells,
                    Err(XlsxError::NotAWorksheet(_)) => return Ok(()),
                    Err(error) => return Err(xlsx_fault(error)),
                };
                if shown.is_empty() {
                    *shown = cells.styles().iter().map(Shown::of).collect();
                }
                if each(Found::From(cells.dimensions().start.1))?.is_break() {
                    return Ok(());
                }
                loop {
                    let next = cells.next_cell_with_style_id();
                    let Some((cell, style)) =
                        next.map_err(|error| in_sheet(xlsx_fault(error), sheet))?
                    else {
                        return Ok(());
                    };
                    let (row, column) = cell.get_position();
                    let shown = shown.get(style).copied().unwrap_or_default();
                    text.clear();
                    if print(cell.get_value(), shown, epoch, &mut text)
                        && each(Found::Cell(row, column, &text))?.is_break()
                    {
                        return Ok(());
                    }
                }
            }
            Self::Xlsb(book) => {
                let epoch = Epoch::of(book.has_1904_epoch());
                let timed = {
                    let mut timed = Vec::new();
                    let mut cells = book.worksheet_cells_reader(sheet).map_err(xlsb_fault)?;
                    while let Some(cell) = cells.next_cell().map_err(xlsb_fault)? {
                        note_time(&mut timed, cell.get_position().1, cell.get_value());
                    }
                    timed
                };
                let mut cells = book.worksheet_cells_reader(sheet).map_err(xlsb_fault)?;
                if each(Found::From(cells.dimensions().start.1))?.is_break() {
                    return Ok(());
                }
                while let Some(cell) = cells.next_cell().map_err(xlsb_fault)? {
                    let (row, column) = cell.get_position();
                    text.clear();
                    if print(cell.get_value(), shown_in(&timed, column), epoch, &mut text)
                        && each(Found::Cell(row, column, &text))?.is_break()
                    {
                        return Ok(());
                    }
                }
                Ok(())
            }
            Self::Xls(book) => {
                let epoch = Epoch::of(book.has_1904_epoch());
                let range = book.worksheet_range(sheet).map_err(xls_fault)?;
                read_range(&range, epoch, each)
            }
            Self::Ods(book) => {
                let range = book.worksheet_range(sheet).map_err(ods_fault)?;
                read_range(&range, Epoch::Of1900, each)
            }
        }
    }
}

fn read_range(range: &Range<Data>, epoch: Epoch, each: &mut Each<'_>) -> Result<(), FileError> {
    let Some((top, left)) = range.start() else {
        return Ok(());
    };
    if each(Found::From(left))?.is_break() {
        return Ok(());
    }
    let mut timed = Vec::new();
    for (_, column, value) in range.used_cells() {
        note_time(&mut timed, left + column as u32, &as_ref(value));
    }
    let mut text = String::new();
    for (row, column, value) in range.used_cells() {
        let (row, column) = (top + row as u32, left + column as u32);
        text.clear();
        if print(&as_ref(value), shown_in(&timed, column), epoch, &mut text)
            && each(Found::Cell(row, column, &text))?.is_break()
        {
            return Ok(());
        }
    }
    Ok(())
}

fn as_ref(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// Where the number formats themselves are not known: a column with one time of day in it has a time in every cell.
fn note_time(timed: &mut Vec<bool>, column: u32, value: &DataRef<'_>) {
    let column = column as usize;
    let has_time = match value {
        DataRef::DateTime(value) => {
            !value.is_duration() && value.as_f64() >= 1.0 && value.as_f64().fract() != 0.0
        }
        DataRef::DateTimeIso(text) => text.contains('T'),
        _ => false,
    };
    if has_time {
        if timed.len() <= column {
            timed.resize(column + 1, false);
        }
        timed[column] = true;
    }
}

fn shown_in(timed: &[bool], column: u32) -> Shown {
    if timed.get(column as usize) == Some(&true) {
        Shown::DateTime
    } else {
        Shown::Date
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Epoch {
    Of1900,
    Of1904,
}

impl Epoch {
    fn of(is_1904: bool) -> Self {
        if is_1904 { Self::Of1904 } else { Self::Of1900 }
    }

    /// Days from 1970-01-01 to a day of this epoch's count.
    fn since_1970(self, day: i64) -> i64 {
        match self {
            Self::Of1904 => day - 24_107,
            // Before the 29 February 1900 that Excel believes in, the count is one less.
            Self::Of1900 if day < 60 => day - 25_568,
            Self::Of1900 => day - 25_569,
        }
    }
}

/// Prints a value as a cell's text; false when there is none.
fn print(value: &DataRef<'_>, shown: Shown, epoch: Epoch, out: &mut String) -> bool {
    match value {
        DataRef::Empty => return false,
        DataRef::Int(value) => number_shown(*value as f64, Some(*value), shown, out),
        DataRef::Float(value) => number_shown(*value, None, shown, out),
        DataRef::String(text) => out.push_str(text),
        DataRef::SharedString(text) => out.push_str(text),
        DataRef::Bool(value) => out.push_str(if *value { "TRUE" } else { "FALSE" }),
        DataRef::DateTime(value) => moment(value, shown, epoch, out),
        DataRef::DateTimeIso(text) => {
            out.push_str(text);
            if shown == Shown::DateTime && text.len() == 10 {
                out.push_str("T00:00:00");
            }
        }
        DataRef::DurationIso(text) => match iso_duration(text) {
            Some(millis) => duration(millis, out),
            None => out.push_str(text),
        },
        DataRef::Error(error) => out.push_str(&error.to_string()),
    }
    true
}

fn number_shown(value: f64, whole: Option<i64>, shown: Shown, out: &mut String) {
    let start = out.len();
    match whole {
        Some(whole) => out.push_str(&whole.to_string()),
        None => number(value, out),
    }
    let digits = out.len() - start;
    if let Shown::Zeros(least) = shown
        && digits < least
        && out[start..].bytes().all(|byte| byte.is_ascii_digit())
    {
        out.insert_str(start, &"0".repeat(least - digits));
    }
}

const DAY_MILLIS: i64 = 86_400_000;
/// The day after 9999-12-31, the last that there is, by either epoch.
const DAYS_MAX: f64 = 2_958_466.0;

fn moment(value: &ExcelDateTime, shown: Shown, epoch: Epoch, out: &mut String) {
    let serial = value.as_f64();
    if !serial.is_finite() || serial.abs() >= DAYS_MAX {
        return number(serial, out);
    }
    // Whole milliseconds: what a double holds of them for any day there is.
    let millis = (serial * DAY_MILLIS as f64).round() as i64;
    if value.is_duration() {
        return duration(millis, out);
    }
    if serial < 0.0 {
        return number(serial, out);
    }
    let (day, time) = (millis / DAY_MILLIS, millis % DAY_MILLIS);
    let no_date = day == 0 && (shown == Shown::Time || epoch == Epoch::Of1900);
    if !no_date {
        if day == 60 && epoch == Epoch::Of1900 {
            out.push_str("1900-02-29");
        } else {
            date(epoch.since_1970(day), out);
        }
        if time == 0 && !matches!(shown, Shown::DateTime | Shown::Time) {
            return;
        }
        out.push('T');
    }
    time_of_day(time * 1_000_000, out);
}

/// `PT12H30M05.5S`, as OpenDocument spells times and durations.
fn iso_duration(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let mut rest = text.strip_prefix("PT")?;
    let mut millis = 0f64;
    for (unit, length) in [('H', 3_600_000.0), ('M', 60_000.0), ('S', 1_000.0)] {
        if let Some((count, more)) = rest.split_once(unit) {
            millis += count.parse::<f64>().ok()? * length;
            rest = more;
        }
    }
    if !rest.is_empty() || !millis.is_finite() {
        return None;
    }
    let millis = millis.round() as i64;
    Some(if negative { -millis } else { millis })
}

/// Cells become rows: blank ones between them, and every row as wide as the widest so far.
struct Rows<'a> {
    sheet: &'a str,
    out: Writer<'a>,
    /// The first column, as the sheet says.
    said: u32,
    /// Rows that are looked at before the first is written.
    ahead: Option<(Vec<Row>, usize)>,
    left: u32,
    width: u32,
    /// The row that is written next.
    next: u32,
    row: Option<Row>,
    /// A row that was written, to be used again.
    spare: Row,
}

/// The texts of a row's cells in one, and each one's column and end.
#[derive(Debug, Default)]
struct Row {
    at: u32,
    text: String,
    cells: Vec<(u32, usize)>,
}

impl Row {
    fn begin(&mut self, at: u32) {
        self.at = at;
        self.text.clear();
        self.cells.clear();
    }

    fn push(&mut self, column: u32, text: &str) {
        self.text.push_str(text);
        self.cells.push((column, self.text.len()));
    }

    fn cells(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut start = 0;
        self.cells.iter().map(move |(column, end)| {
            let text = &self.text[start..*end];
            start = *end;
            (*column, text)
        })
    }
}

impl<'a> Rows<'a> {
    fn new(sheet: &'a str, take: &'a mut Take<'a>) -> Self {
        Self {
            sheet,
            out: Writer::new(take),
            said: 0,
            ahead: Some((Vec::new(), 0)),
            left: 0,
            width: 0,
            next: 0,
            row: None,
            spare: Row::default(),
        }
    }

    fn cell(&mut self, row: u32, column: u32, text: &str) -> Result<ControlFlow<()>, FileError> {
        if row >= ROWS_MAX || column >= 16_384 {
            return Err(self.damaged(row, column, "lies beyond what a sheet can have"));
        }
        match &mut self.row {
            Some(now) if now.at == row => {
                if now.cells.last().is_some_and(|(last, _)| *last >= column) {
                    return Err(self.damaged(row, column, "is not in order"));
                }
                now.push(column, text);
            }
            Some(now) if now.at > row => {
                return Err(self.damaged(row, column, "is not in order"));
            }
            _ => {
                self.end_row()?;
                let mut next = std::mem::take(&mut self.spare);
                next.begin(row);
                next.push(column, text);
                self.row = Some(next);
            }
        }
        Ok(if self.out.is_open() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    }

    fn end_row(&mut self) -> Result<(), FileError> {
        let Some(row) = self.row.take() else {
            return Ok(());
        };
        let Some((rows, bytes)) = &mut self.ahead else {
            self.write(&row)?;
            self.spare = row;
            return Ok(());
        };
        *bytes += row.text.len() + 3 * row.cells.len();
        rows.push(row);
        if *bytes > AHEAD_BYTES || rows.len() >= AHEAD_ROWS {
            self.look_ahead()?;
        }
        Ok(())
    }

    /// The table's first column and its width, by the first rows.
    fn look_ahead(&mut self) -> Result<(), FileError> {
        let Some((rows, _)) = self.ahead.take() else {
            return Ok(());
        };
        let columns = || {
            rows.iter()
                .flat_map(|row| &row.cells)
                .map(|(column, _)| *column)
        };
        self.left = columns().min().unwrap_or(0).min(self.said);
        self.width = columns().max().map_or(0, |last| last + 1 - self.left);
        for row in &rows {
            self.write(row)?;
        }
        Ok(())
    }

    fn write(&mut self, row: &Row) -> Result<(), FileError> {
        while self.next < row.at && self.out.is_open() {
            self.out.end_record()?;
            self.next += 1;
        }
        let mut written = 0;
        for (column, text) in row.cells() {
            let Some(at) = column.checked_sub(self.left) else {
                return Err(self.damaged(
                    row.at,
                    column,
                    "lies left of where the sheet says that it begins",
                ));
            };
            for _ in written..at {
                self.out.missing();
            }
            self.out.cell(text);
            written = at + 1;
        }
        self.width = self.width.max(written);
        for _ in written..self.width {
            self.out.missing();
        }
        self.next += 1;
        self.out.end_record()
    }

    /// Answers the table's first column.
    fn finish(mut self) -> Result<u32, FileError> {
        self.end_row()?;
        self.look_ahead()?;
        self.out.flush()?;
        Ok(self.left)
    }

    fn damaged(&self, row: u32, column: u32, what: &str) -> FileError {
        FileError::Unreadable(format!(
            "The workbook is damaged: the cell {}!{}{} {what}. Open it, save it again and upload that.",
            self.sheet,
            column_letters(u64::from(column)),
            u64::from(row) + 1
        ))
    }
}

pub(super) fn damaged() -> FileError {
    FileError::Unreadable(
        "The workbook is damaged: it cannot be read to its end. Open it, save it again and upload that."
            .to_owned(),
    )
}

pub(super) fn too_many_cells() -> FileError {
    FileError::TooLarge(format!(
        "The workbook spans over {CELLS_MAX} cells, blank ones counted, more than can be read of its format. Save it as XLSX and upload that."
    ))
}

fn in_sheet(error: FileError, sheet: &str) -> FileError {
    match error {
        FileError::Unreadable(text) => FileError::Unreadable(format!("{text} (Sheet `{sheet}`.)")),
        other => other,
    }
}

/// What the reader of workbooks says is wrong, for those who can mend it.
fn told(error: &dyn fmt::Display) -> FileError {
    let said = error.to_string();
    let said = said.trim_end_matches('.');
    FileError::Unreadable(format!(
        "The workbook is damaged ({said}). Open it, save it again and upload that."
    ))
}

fn xlsx_fault(error: XlsxError) -> FileError {
    match error {
        XlsxError::Password => FileError::Encrypted,
        XlsxError::Io(error) => inner_fault(error, damaged),
        error => told(&error),
    }
}

fn xlsb_fault(error: XlsbError) -> FileError {
    match error {
        XlsbError::Password => FileError::Encrypted,
        error => told(&error),
    }
}

fn xls_fault(error: XlsError) -> FileError {
    match error {
        XlsError::Password => FileError::Encrypted,
        error => told(&error),
    }
}

fn ods_fault(error: OdsError) -> FileError {
    match error {
        OdsError::Password => FileError::Encrypted,
        OdsError::CellLimitExceeded { .. } => too_many_cells(),
        error => told(&error),
    }
}
