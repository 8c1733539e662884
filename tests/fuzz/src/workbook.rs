//! The parts of an XLSX file, one behind the other with a NUL between: a package is made of them, whose checksums hold.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::file;

/// In the order of the input. A part that the input lacks is left out, but for the sheet.
const PARTS: [&str; 5] = [
    "xl/worksheets/sheet1.xml",
    "xl/sharedStrings.xml",
    "xl/styles.xml",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
];

const WORKBOOK: &[u8] = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#;
const RELATIONS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const ROOT: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

pub(crate) fn check(data: &[u8]) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    };
    add("[Content_Types].xml", b"<Types/>");
    add("_rels/.rels", ROOT);
    let mut parts = data.splitn(PARTS.len(), |byte| *byte == 0);
    for name in PARTS {
        let given = parts.next().unwrap_or_default();
        match (name, given) {
            ("xl/workbook.xml", []) => add(name, WORKBOOK),
            ("xl/_rels/workbook.xml.rels", []) => add(name, RELATIONS),
            ("xl/sharedStrings.xml" | "xl/styles.xml", []) => {}
            _ => add(name, given),
        }
    }
    let package = writer.finish().unwrap().into_inner();
    file::check(&package);
}
