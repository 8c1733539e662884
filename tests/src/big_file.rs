//! A CSV file of any length that nobody has to keep: row `i` is always the same. It has every type, nulls, quotes, line ends inside
//! cells and letters of several scripts, and a hash that PostgreSQL can work out from the table.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

pub const MB: u64 = 1 << 20;
/// What a file is sent in.
pub const PART_BYTES: u64 = 16 * MB;

const HEADER: &str = "id,code,name,amount,share,active,day,at,note\n";

const NAMES: [&str; 8] = [
    "Straße",
    "日本語",
    "naïve",
    "Ωμέγα",
    "plain",
    "проба",
    "🙂 smile",
    "a b  c",
];

/// Stands between cells, and for null, in what is hashed.
const BETWEEN: char = '\u{1f}';
const NULL: &str = "\u{2}";

/// As [`Content`] has it. The columns of a new dataset are `c1`, `c2`, … in the file's order.
pub const CONTENT_SQL: &str = "select count(*), coalesce(sum(('x' || encode(substring(sha256(convert_to(concat_ws(E'\\x1f', \
    c1::text, c2, c3, coalesce(c4::text, E'\\x02'), coalesce(c5::text, E'\\x02'), c6::text, coalesce(c7::text, E'\\x02'), \
    c8::text, c9), 'UTF8')) for 7), 'hex'))::bit(56)::bigint), 0)::text from ";

/// How many rows there are, and the sum of the first seven bytes of each one's SHA-256, so that their order does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub rows: i64,
    pub sum: u128,
}

/// Writes rows one after the other.
#[derive(Clone, Debug, Default)]
struct Rows {
    next: u64,
    text: String,
    content: Content,
    hashed: String,
}

impl Rows {
    /// Fills up to so many bytes, and one row more. The header is the first piece's.
    fn piece(&mut self, bytes: usize) -> &str {
        self.text.clear();
        if self.next == 0 {
            self.text.push_str(HEADER);
        }
        while self.text.len() < bytes {
            self.row();
        }
        &self.text
    }

    fn content(&self) -> Content {
        self.content
    }

    fn row(&mut self) {
        let i = self.next;
        self.next += 1;
        // Any mixing will do, as long as it stays what it is.
        let mixed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        let name = NAMES[(mixed % 8) as usize];
        let cents = mixed % 1_000_000;
        let amount = (!i.is_multiple_of(7)).then(|| format!("{}.{:02}", cents / 100, cents % 100));
        let share = (!i.is_multiple_of(11)).then(|| format!("{}.{}", mixed % 97, 1 + mixed % 9));
        let active = if mixed & 64 == 0 { "true" } else { "false" };
        let day = (!i.is_multiple_of(5)).then(|| {
            format!(
                "20{:02}-{:02}-{:02}",
                mixed % 30,
                1 + mixed % 12,
                1 + mixed % 28
            )
        });
        let time = format!(
            "{:02}:{:02}:{:02}",
            mixed % 24,
            (mixed >> 5) % 60,
            (mixed >> 11) % 60
        );
        let note = match mixed % 13 {
            0 => String::new(),
            1 => format!("said \"{name}\", twice"),
            2 => format!("one line\nand {i} more"),
            3 => format!("007-{mixed}"),
            _ => format!("row {i} of many, with {name}"),
        };
        let at = format!("2024-02-{:02}", 1 + mixed % 28);
        let null = |cell: &Option<String>, null: &str| cell.as_deref().unwrap_or(null).to_owned();
        let (amount_cell, share_cell, day_cell) =
            (null(&amount, ""), null(&share, ""), null(&day, ""));
        let quoted = note.replace('"', "\"\"");
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            self.text,
            "{},K-{mixed:016x},{name},{amount_cell},{share_cell},{active},{day_cell},{at}T{time},\"{quoted}\"",
            i + 1
        );
        self.hashed.clear();
        let cells = [
            &(i + 1).to_string(),
            &format!("K-{mixed:016x}"),
            name,
            &null(&amount, NULL),
            &null(&share, NULL),
            active,
            &null(&day, NULL),
            &format!("{at} {time}"),
            &note,
        ];
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                self.hashed.push(BETWEEN);
            }
            self.hashed.push_str(cell);
        }
        let digest = Sha256::digest(self.hashed.as_bytes());
        let first = digest[..7]
            .iter()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.content.rows += 1;
        self.content.sum += u128::from(first);
    }
}

/// The file in parts of [`PART_BYTES`]. A part may end in the middle of a row.
#[derive(Clone, Debug)]
pub struct Parts {
    rows: Rows,
    left: Vec<u8>,
    bytes: u64,
    sent: u64,
}

impl Parts {
    /// A file of at least so many bytes, up to the end of a row.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self {
            rows: Rows::default(),
            left: Vec::new(),
            bytes,
            sent: 0,
        }
    }

    /// The next part; the row that passes the file's length is its last.
    pub fn next_part(&mut self) -> Option<Vec<u8>> {
        let part = PART_BYTES as usize;
        while self.left.len() < part && self.sent + (self.left.len() as u64) < self.bytes {
            let missing = self.bytes - self.sent - self.left.len() as u64;
            let piece = self.rows.piece(missing.min(MB) as usize);
            self.left.extend_from_slice(piece.as_bytes());
        }
        let rest = self.left.split_off(self.left.len().min(part));
        let part = std::mem::replace(&mut self.left, rest);
        self.sent += part.len() as u64;
        (!part.is_empty()).then_some(part)
    }

    /// Of all that was given.
    #[must_use]
    pub fn content(&self) -> Content {
        self.rows.content()
    }

    #[must_use]
    pub fn bytes_given(&self) -> u64 {
        self.sent
    }

    /// All of it; for what is not so big.
    #[must_use]
    pub fn whole(bytes: u64) -> Vec<u8> {
        let mut parts = Self::new(bytes);
        let mut file = Vec::new();
        while let Some(part) = parts.next_part() {
            file.extend_from_slice(&part);
        }
        file
    }
}
