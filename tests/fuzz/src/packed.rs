//! A file is what it is, whatever it is packed in.

use std::io::{Cursor, Write as _};

use flate2::{Compression, write::GzEncoder};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::file::read;

pub(crate) fn check(data: &[u8]) {
    let Ok((alone, rows)) = read(data.to_vec(), usize::MAX) else {
        return;
    };
    if alone.plan.kind.container.is_some() {
        return;
    }
    for packed in [gz(data), zst(data), zip(data)] {
        let (mut inside, inside_rows) =
            read(packed, usize::MAX).expect("what can be read alone can be read packed");
        inside.plan.kind.container = None;
        assert_eq!((&alone, &rows), (&inside, &inside_rows));
    }
}

fn gz(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zst(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 1).unwrap()
}

fn zip(data: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("file", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(data).unwrap();
    writer.finish().unwrap().into_inner()
}
