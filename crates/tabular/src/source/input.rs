//! The file as every reader here wants it: seekable, and shared, so that it can be read twice. Next: [`super::packed`].

use std::{
    fmt,
    io::{self, BufReader, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A handle on a file; each clone has a place of its own in it.
#[derive(Clone)]
pub struct Input {
    file: Arc<Mutex<Box<dyn ReadSeek>>>,
    at: u64,
    len: u64,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("at", &self.at)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Input {
    /// # Errors
    /// The file cannot be read.
    pub fn new(mut file: impl Read + Seek + Send + 'static) -> io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file: Arc::new(Mutex::new(Box::new(file))),
            at: 0,
            len,
        })
    }

    /// Length of the whole file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len
    }

    /// The file from its first byte.
    pub(super) fn start(&self) -> BufReader<Self> {
        self.from(0)
    }

    fn from(&self, at: u64) -> BufReader<Self> {
        let input = Self { at, ..self.clone() };
        BufReader::with_capacity(64 * 1024, input)
    }

    fn file(&self) -> MutexGuard<'_, Box<dyn ReadSeek>> {
        // Every read seeks first, so there is no state that a panic could have left half changed.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = {
            let mut file = self.file();
            file.seek(SeekFrom::Start(self.at))?;
            file.read(buf)?
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Input {
    type T = BufReader<Self>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.saturating_add(length as u64) > self.len {
            return Err(ParquetError::EOF(
                "the file ends before its last part".to_owned(),
            ));
        }
        let mut bytes = vec![0; length];
        self.from(start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
