//! Which encoding a text has that no byte order mark names: what the bytes say, gathered in pieces of any size. The head is looked
//! at first ([`crate::sniff`]), and in the end the whole file ([`crate::analyse`]), by the same rule:
//!
//! - UTF-8 while most of what is not ASCII is well-formed UTF-8, so that a few bad bytes cost their own records only;
//! - else the detector's answer, where it makes sense of the text: letters stand beside letters.

use std::fmt;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use contracts::plan::Encoding;

use crate::encoding;

/// Bytes behind the first bad one that an answer is tried on.
const SAMPLE_BYTES: usize = 16 * 1024;
/// Bytes behind the first bad one that the detector is shown: enough to be sure, and it is slow.
const SHOWN_BYTES: usize = 64 * 1024 * 1024;
/// Of a run without ASCII as much is remembered, so that the detector sees the characters whole.
const RUN_BYTES: usize = 4 * 1024;

/// What the bytes of a file say so far.
#[derive(Default)]
pub(crate) struct Evidence {
    /// Characters beyond ASCII that are well-formed UTF-8, and bytes that are part of none.
    good: u64,
    bad: u64,
    /// Bytes that the character at hand still needs.
    needed: u8,
    /// The ASCII byte before the run of others at hand, and the run.
    before: Option<u8>,
    run: Vec<u8>,
    /// From the first run with a bad byte on.
    detector: Option<Box<EncodingDetector>>,
    shown: usize,
    sample: Vec<u8>,
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
                self.detector = Some(Box::new(EncodingDetector::new(Iso2022JpDetection::Deny)));
                let mut begin: Vec<u8> = self.before.into_iter().collect();
                begin.append(&mut self.run.clone());
                self.feed(&begin);
                // The run has the byte at hand already, unless it is of ASCII.
                self.feed(&bytes[at - usize::from(byte.is_ascii())..]);
            }
            if byte.is_ascii() {
                self.run.clear();
                self.before = Some(byte);
            }
        }
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
