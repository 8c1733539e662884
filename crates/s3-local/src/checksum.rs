//! Digests of a body while it streams in, and the checksums that S3 stores beside an object.

use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// The additional checksums S3 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn parse(name: &str) -> S3Result<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| s3_error!(InvalidRequest, "Unknown checksum algorithm {name}"))
    }
}

/// Checksums in base64, as S3 writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Checksums {
    pub(crate) fn get(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm {
            Algorithm::Crc32 => &self.crc32,
            Algorithm::Crc32c => &self.crc32c,
            Algorithm::Crc64nvme => &self.crc64nvme,
            Algorithm::Sha1 => &self.sha1,
            Algorithm::Sha256 => &self.sha256,
        }
        .as_deref()
    }

    pub(crate) fn set(&mut self, algorithm: Algorithm, value: String) {
        *match algorithm {
            Algorithm::Crc32 => &mut self.crc32,
            Algorithm::Crc32c => &mut self.crc32c,
            Algorithm::Crc64nvme => &mut self.crc64nvme,
            Algorithm::Sha1 => &mut self.sha1,
            Algorithm::Sha256 => &mut self.sha256,
        } = Some(value);
    }

    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        Algorithm::ALL
            .into_iter()
            .filter(|algorithm| self.get(*algorithm).is_some())
    }

    /// Whether everything that was announced came out.
    pub(crate) fn verify(&self, announced: &Self) -> S3Result<()> {
        for algorithm in announced.algorithms() {
            if self.get(algorithm) != announced.get(algorithm) {
                return Err(s3_error!(
                    BadDigest,
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                ));
            }
        }
        Ok(())
    }
}

/// Everything that is computed over one body.
pub(crate) struct Digests {
    md5: Md5,
    hasher: ChecksumHasher,
}

impl Digests {
    pub(crate) fn new(algorithms: &[Algorithm]) -> Self {
        let mut hasher = ChecksumHasher::default();
        for algorithm in algorithms {
            match algorithm {
                Algorithm::Crc32 => hasher.crc32 = Some(Crc32::new()),
                Algorithm::Crc32c => hasher.crc32c = Some(Crc32c::new()),
                Algorithm::Crc64nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
                Algorithm::Sha1 => hasher.sha1 = Some(Sha1::new()),
                Algorithm::Sha256 => hasher.sha256 = Some(Sha256::new()),
            }
        }
        Self {
            md5: Md5::new(),
            hasher,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hasher.update(bytes);
    }

    pub(crate) fn finish(self) -> (Vec<u8>, Checksums) {
        let sums = self.hasher.finalize();
        let checksums = Checksums {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
        };
        (self.md5.finalize().to_vec(), checksums)
    }
}

/// The checksum of a multipart object: the checksum of its parts' checksums, and how many there are.
pub(crate) fn composite<'a>(
    algorithm: Algorithm,
    parts: impl Iterator<Item = &'a str>,
) -> S3Result<String> {
    let mut digests = Digests::new(&[algorithm]);
    let mut count = 0;
    for part in parts {
        digests.update(&decode_base64(part)?);
        count += 1;
    }
    let (_, sums) = digests.finish();
    Ok(format!(
        "{}-{count}",
        sums.get(algorithm).unwrap_or_default()
    ))
}

/// The ETag of a multipart object: the MD5 of its parts' MD5s, and how many there are.
pub(crate) fn composite_etag<'a>(parts: impl Iterator<Item = &'a str>) -> S3Result<String> {
    let mut digests = Digests::new(&[]);
    let mut count = 0;
    for part in parts {
        digests.update(
            &decode_hex(part)
                .ok_or_else(|| s3_error!(InternalError, "A part's ETag is not hexadecimal"))?,
        );
        count += 1;
    }
    let (md5, _) = digests.finish();
    Ok(format!("{}-{count}", hex(&md5)))
}

pub(crate) fn decode_base64(text: &str) -> S3Result<Vec<u8>> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text)
        .map_err(|_| s3_error!(InvalidDigest, "A checksum is not base64"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

pub(crate) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composite_etag_is_the_md5_of_md5s() {
        let one = "5d41402abc4b2a76b9719d911017c592"; // hello
        assert_eq!(
            composite_etag([one].into_iter()).unwrap(),
            "62109206880d38a4010a98e11243924a-1".to_owned()
        );
    }

    #[test]
    fn hex_goes_both_ways_and_refuses_what_is_not_hex() {
        assert_eq!(decode_hex(&hex(b"\x00\xffa")), Some(vec![0, 0xff, b'a']));
        assert_eq!(decode_hex("0g"), None);
        assert_eq!(decode_hex("é1"), None);
        assert_eq!(decode_hex("123"), None);
    }
}
