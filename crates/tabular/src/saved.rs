//! How the state of an analysis is written down, so that another process can go on ([`crate::analyse`]): JSON, packed. All of it is
//! exact, or the rest of the file would be read otherwise.

use serde::{Serialize, de::DeserializeOwned};

use crate::FileError;

/// Of zstd; the state repeats itself a lot.
const LEVEL: i32 = 3;

pub(crate) fn write(state: &impl Serialize) -> Result<Vec<u8>, FileError> {
    let mut out = zstd::Encoder::new(Vec::new(), LEVEL).map_err(FileError::Io)?;
    serde_json::to_writer(&mut out, state).map_err(|error| FileError::Io(error.into()))?;
    out.finish().map_err(FileError::Io)
}

/// None where it is not such a state.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let text = zstd::Decoder::new(bytes).ok()?;
    serde_json::from_reader(std::io::BufReader::new(text)).ok()
}

/// Bytes as a text of one character each: mostly they are ASCII, and a list of numbers would be four times as long.
pub(crate) mod bytes {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        out.serialize_str(&text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<_, _> = text.chars().map(u8::try_from).collect();
        bytes.map_err(|_| D::Error::custom("not bytes"))
    }
}

/// A number to its last bit, which its decimal digits may lose.
pub(crate) mod exact {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &f64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(number.to_bits())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// As [`exact`], beside something else.
pub(crate) mod exact_beside {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, T: Serialize>(
        pair: &Option<(T, f64)>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        let pair = pair.as_ref().map(|(one, number)| (one, number.to_bits()));
        pair.serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        from: D,
    ) -> Result<Option<(T, f64)>, D::Error> {
        let pair = Option::<(T, u64)>::deserialize(from)?;
        Ok(pair.map(|(one, bits)| (one, f64::from_bits(bits))))
    }
}
