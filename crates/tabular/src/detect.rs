//! Which encoding a text has that no byte order mark names: what the bytes say, gathered in pieces of any size. The head is looked
//! at first ([`crate::sniff`]), and in the end the whole file ([`crate::analyse`]), by the same rule:
//!
//! - UTF-8 while most of what is not ASCII is well-formed UTF-8, so that a few bad bytes cost their own records only;
//! - else the detector's answer, where it makes sense of the text: letters stand beside letters.

use std::{fmt, ops::Range};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use contracts::plan::Encoding;
use serde::{Deserialize, Serialize};

use crate::{encoding, saved};

/// Bytes behind the first bad one that an answer is tried on.
const SAMPLE_BYTES: usize = 16 * 1024;
/// Bytes behind the first bad one that the detector is shown: enough to be sure, and it is slow.
const SHOWN_BYTES: usize = 64 * 1024 * 1024;
/// Of a run without ASCII as much is remembered, so that the detector sees the characters whole.
const RUN_BYTES: usize = 4 * 1024;

/// What the bytes of a file say so far.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// Where the next byte to be pushed stands in the file, and the first one that has not been looked at: when a reading goes on
    /// from a record's beginning, some come twice.
    at: u64,
    seen: u64,
    /// Characters beyond ASCII that are well-formed UTF-8, and bytes that are part of none.
    good: u64,
    bad: u64,
    /// Bytes that the character at hand still needs.
    needed: u8,
    /// The ASCII byte before the run of others at hand, and the run.
    before: Option<u8>,
    #[serde(with = "saved::bytes")]
    run: Vec<u8>,
    /// From the first run with a bad byte on.
    shows: Option<Shows>,
    #[serde(skip)]
    detector: Option<Box<EncodingDetector>>,
    #[serde(skip)]
    shown: usize,
    #[serde(skip)]
    sample: Vec<u8>,
}

/// What the detector is shown: the run, then the file from a byte on. It cannot be saved, so it is shown them again.
#[derive(Clone, Serialize, Deserialize)]
struct Shows {
    #[serde(with = "saved::bytes")]
    run: Vec<u8>,
    from: u64,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("good", &self.good)
            .field("bad", &self.bad)
            .finish_non_exhaustive()
    }
}

impl Evidence {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let known = self.seen.saturating_sub(self.at);
        self.at += bytes.len() as u64;
        let bytes = bytes.get(usize::try_from(known).unwrap_or(usize::MAX)..);
        let Some(bytes) = bytes else { return };
        let begin = self.seen;
        self.seen += bytes.len() as u64;
        let mut fed = self.detector.is_some();
        if fed {
            self.feed(bytes);
        }
        let mut at = 0;
        while at < bytes.len() {
            if self.run.is_empty() {
                at += encoding_rs::Encoding::ascii_valid_up_to(&bytes[at..]);
                self.before = at
                    .checked_sub(1)
                    .map_or(self.before, |last| Some(bytes[last]));
            }
            let Some(byte) = bytes.get(at).copied() else {
                return;
            };
            at += 1;
            self.step(byte);
            if self.bad > 0 && !fed {
                fed = true;
                let mut run: Vec<u8> = self.before.into_iter().collect();
                run.append(&mut self.run.clone());
                // The run has the byte at hand already, unless it is of ASCII.
                let behind = at - usize::from(byte.is_ascii());
                self.show(Shows {
                    run,
                    from: begin + behind as u64,
                });
                self.feed(&bytes[behind..]);
            }
            if byte.is_ascii() {
                self.run.clear();
                self.before = Some(byte);
            }
        }
    }

    fn show(&mut self, shows: Shows) {
        self.detector = Some(Box::new(EncodingDetector::new(Iso2022JpDetection::Deny)));
        self.feed(&shows.run);
        self.shows = Some(shows);
    }

    /// The reading goes on from this byte of the file.
    pub(crate) fn go_on(&mut self, from: u64) {
        self.at = from;
        if let Some(shows) = self.shows.take() {
            self.show(shows);
        }
    }

    /// The bytes of the file that [`Self::recall`] wants before anything else, after [`Self::go_on`].
    pub(crate) fn recalls(&self) -> Range<u64> {
        let Some(shows) = &self.shows else {
            return 0..0;
        };
        let room = SHOWN_BYTES - shows.run.len();
        shows.from..self.seen.min(shows.from + room as u64)
    }

    /// Shows the detector what it saw before.
    pub(crate) fn recall(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    fn feed(&mut self, bytes: &[u8]) {
        if let Some(detector) = &mut self.detector {
            let shown = bytes.len().min(SHOWN_BYTES - self.shown);
            detector.feed(&bytes[..shown], false);
            self.shown += shown;
        }
        let room = SAMPLE_BYTES - self.sample.len();
        self.sample
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn step(&mut self, byte: u8) {
        if !byte.is_ascii() {
            if self.run.len() >= RUN_BYTES {
                self.run.clear();
            }
            self.run.push(byte);
        }
        if self.needed > 0 {
            if matches!(byte, 0x80..0xc0) {
                self.needed -= 1;
                self.good += u64::from(self.needed == 0);
                return;
            }
            self.bad += 1;
        }
        self.needed = match byte {
            0..0x80 => 0,
            0xc2..0xe0 => 1,
            0xe0..0xf0 => 2,
            0xf0..0xf5 => 3,
            _ => {
                self.bad += 1;
                0
            }
        };
    }

    /// The encoding, and how sure that is, from 0 to 1. `whole`: no byte follows.
    pub(crate) fn conclude(&self, whole: bool) -> (Encoding, f64) {
        let bad = self.bad + u64::from(whole && self.needed > 0);
        if bad == 0 {
            return (Encoding::Utf8, 1.0);
        }
        let utf8 = (
            Encoding::Utf8,
            (self.good + 1) as f64 / (self.good + 1 + bad) as f64,
        );
        let Some(detector) = self.detector.as_ref().filter(|_| bad > self.good) else {
            return utf8;
        };
        let found = match encoding::of_rs(detector.guess(None, Utf8Detection::Deny)) {
            // The newer of the two reads all of the older.
            Some(Encoding::Gbk) => Encoding::Gb18030,
            Some(found) => found,
            None => return utf8,
        };
        let sense = self.sense(found);
        if sense <= 0.5 {
            return utf8;
        }
        // A few characters are soon explained; the more there are, the surer it is.
        let seen = bad.min(50) as f64 / 50.0;
        (found, sense * (0.5 + 0.45 * seen))
    }

    /// The share of the sample's characters beyond ASCII that make sense where they stand.
    fn sense(&self, encoding: Encoding) -> f64 {
        let mut text = Vec::with_capacity(self.sample.len() * 2);
        encoding::Transcoder::new(encoding).push(&self.sample, &mut text);
        let text = String::from_utf8_lossy(&text);
        let characters: Vec<char> = text.chars().collect();
        let (mut all, mut sensible) = (0u32, 0u32);
        for (at, c) in characters.iter().enumerate().filter(|(_, c)| !c.is_ascii()) {
            let is_letter = |at: Option<usize>| {
                at.and_then(|at| characters.get(at))
                    .is_some_and(|c| c.is_alphabetic())
            };
            let beside = is_letter(at.checked_sub(1)) || is_letter(Some(at + 1));
            all += 1;
            sensible += u32::from(match *c {
                // The last letter of Latin-1 and the byte that no text has.
                'ÿ' | char::REPLACEMENT_CHARACTER => false,
                '\u{80}'..'\u{a0}' => false,
                '\u{a0}'..'\u{c0}' | '×' | '÷' | '\u{2000}'..'\u{2e00}' => true,
                '\u{3000}'..'\u{3040}' | '\u{ff00}'..'\u{fff0}' => true,
                '\u{c0}'..'\u{370}' => beside,
                c => c.is_alphabetic(),
            });
        }
        f64::from(sensible) / f64::from(all.max(1))
    }
}
