//! Reading the body of `POST /uploads`: every field is checked by hand, so that the answer names the field at fault and
//! how to mend it. What comes out is valid; [`crate::uploads`] goes on with it.

use base64::{Engine, prelude::BASE64_STANDARD};
use contracts::{
    Code, DatasetId, Problem,
    names::checked_name,
    plan::Options,
    upload::{Confirm, Mode, PART_BYTES, PART_BYTES_MIN, Upload, WHOLE_BYTES_MAX},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// S3 takes at most 5 GiB in one PUT.
pub const BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// S3 takes at most so many parts.
const PARTS_MAX: u64 = 10_000;

/// What the caller says of the content, in base64 as S3 wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sums {
    None,
    Whole(String),
    Parts {
        part_bytes: u64,
        sha256: Vec<String>,
    },
}

/// Key columns at most.
const KEY_MAX: usize = 32;

/// Where the rows go. The modes that this version can do fall together with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    New {
        name: String,
    },
    Existing {
        id: DatasetId,
        mode: Mode,
        /// Ids or names of columns, for upsert and sync.
        key: Vec<String>,
    },
}

impl Destination {
    pub fn mode(&self) -> Mode {
        match self {
            Self::New { .. } => Mode::New,
            Self::Existing { mode, .. } => *mode,
        }
    }
}

/// A valid wish to upload.
#[derive(Clone, Debug)]
pub struct UploadRequest {
    pub file_name: String,
    pub bytes: u64,
    pub sums: Sums,
    pub destination: Destination,
    pub options: Options,
    pub confirm: Confirm,
}

impl TryFrom<Value> for UploadRequest {
    type Error = Problem;

    fn try_from(body: Value) -> Result<Self, Problem> {
        let Value::Object(mut fields) = body else {
            return Err(invalid("", "The body must be a JSON object."));
        };
        let file_name = required::<String>(&mut fields, "file_name", "a string")?;
        let file_name = checked_name(&file_name)
            .map_err(|e| invalid("/file_name", format!("The file's name {e}.")))?
            .to_owned();
        let bytes = checked_bytes(required(&mut fields, "bytes", "a whole number")?)?;
        let sums = match optional::<Value>(&mut fields, "checksum", "an object")? {
            Some(checksum) => checked_checksum(checksum, bytes)?,
            None => Sums::None,
        };
        let mode = required(
            &mut fields,
            "mode",
            "one of \"new\", \"append\", \"upsert\", \"replace\" and \"sync\"",
        )?;
        let target = required(&mut fields, "dataset", "an object")?;
        let key = optional(&mut fields, "key", "a list of column names")?.unwrap_or_default();
        let key = checked_key(mode, key)?;
        let destination = checked_destination(mode, target, key)?;
        let options = optional::<Value>(&mut fields, "options", "an object")?
            .map(checked_options)
            .transpose()?
            .unwrap_or_default();
        check_mapping(mode, &options)?;
        let confirm = optional(&mut fields, "confirm", "\"auto\" or \"ask\"")?.unwrap_or_default();
        no_more(&fields, "")?;
        Ok(Self {
            file_name,
            bytes,
            sums,
            destination,
            options,
            confirm,
        })
    }
}

impl UploadRequest {
    /// How long the parts are when it is sent in parts.
    pub fn part_bytes(&self) -> Option<u64> {
        match &self.sums {
            Sums::Parts { part_bytes, .. } => Some(*part_bytes),
            // BYTES_MAX is far from PARTS_MAX of these.
            Sums::None if self.bytes > WHOLE_BYTES_MAX => Some(PART_BYTES),
            Sums::None | Sums::Whole(_) => None,
        }
    }
}

/// Another reading of a file that has come: everything that it goes by, valid together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The one that was looked at.
    pub generation: Option<i32>,
    pub mode: Mode,
    pub key: Vec<String>,
    pub options: Options,
}

impl ChangeRequest {
    /// Reads the body of `PATCH /uploads/{id}`; what it leaves out stays as the upload has it. `is_part`: it is a further table of its
    /// file, and stays that table.
    pub fn read(body: Value, upload: &Upload, is_part: bool) -> Result<Self, Problem> {
        let Value::Object(mut fields) = body else {
            return Err(invalid("", "The body must be a JSON object."));
        };
        let generation = optional(&mut fields, "generation", "a whole number")?;
        let modes = "one of \"append\", \"upsert\", \"replace\" and \"sync\"";
        let mode = optional(&mut fields, "mode", modes)?.unwrap_or(upload.mode);
        if (mode == Mode::New) != (upload.mode == Mode::New) {
            let detail = match mode {
                Mode::New => format!("The dataset exists; `mode` must be {modes}."),
                _ => "The dataset is new; the mode stays \"new\".".to_owned(),
            };
            return Err(invalid("/mode", detail));
        }
        let key = match optional(&mut fields, "key", "a list of column names")? {
            Some(key) => key,
            None if mode.needs_key() => upload.key.clone(),
            None => Vec::new(),
        };
        let key = checked_key(mode, key)?;
        let options = optional::<Value>(&mut fields, "options", "an object")?
            .map(checked_options)
            .transpose()?
            .unwrap_or_else(|| upload.options.clone());
        let options = match is_part {
            true => of_same_table(options, &upload.options)?,
            false => options,
        };
        check_mapping(mode, &options)?;
        no_more(&fields, "")?;
        Ok(Self {
            generation,
            mode,
            key,
            options,
        })
    }
}

/// What says which table of its file is read.
fn of_same_table(mut options: Options, known: &Options) -> Result<Options, Problem> {
    let detail = "This is one of several tables that were found in its file, and it stays this one. Leave it out.";
    let other = |is_other: bool, pointer: &str| match is_other {
        true => Err(invalid(pointer, detail)),
        false => Ok(()),
    };
    let differs = |new: &Option<String>, old| new.is_some() && new != old;
    other(differs(&options.sheet, &known.sheet), "/options/sheet")?;
    other(differs(&options.member, &known.member), "/options/member")?;
    other(
        options.after.is_some() && options.after != known.after,
        "/options/after",
    )?;
    options.sheet.clone_from(&known.sheet);
    options.member.clone_from(&known.member);
    options.after = known.after;
    options.tables = options.tables.or(known.tables);
    Ok(options)
}

/// Only columns that keep their place in the dataset can be told where to go.
fn check_mapping(mode: Mode, options: &Options) -> Result<(), Problem> {
    if matches!(mode, Mode::New | Mode::Replace) && !options.mapping.is_empty() {
        let detail =
            "A mapping is only for the modes \"append\", \"upsert\" and \"sync\"; leave it out.";
        return Err(invalid("/options/mapping", detail));
    }
    Ok(())
}

/// A bad field, named by JSON pointer (RFC 6901) as in every other body.
pub fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::Validation, detail).at(pointer)
}

fn checked_bytes(bytes: Value) -> Result<u64, Problem> {
    let Some(bytes) = bytes.as_u64() else {
        return Err(invalid(
            "/bytes",
            "`bytes` must be the file's size: a whole number, not negative.",
        ));
    };
    match bytes {
        0 => Err(Problem::new(
            Code::EmptyFile,
            "The file has no bytes, so there is nothing to import. Choose another file.",
        )
        .at("/bytes")),
        1..=BYTES_MAX => Ok(bytes),
        _ => Err(Problem::new(
            Code::TooLarge,
            format!("The file has {bytes} bytes; one upload takes at most {BYTES_MAX} (5 GiB). Split or compress it."),
        )
        .at("/bytes")),
    }
}

fn checked_checksum(checksum: Value, bytes: u64) -> Result<Sums, Problem> {
    let Value::Object(mut fields) = checksum else {
        return Err(invalid(
            "/checksum",
            "`checksum` must be an object such as {\"sha256\": \"…\"}.",
        ));
    };
    let wanted = "a string, or with `part_bytes` a list of strings";
    let sha256: Value =
        required(&mut fields, "sha256", wanted).map_err(|p| within("checksum", p))?;
    let part_bytes: Option<u64> =
        optional(&mut fields, "part_bytes", "a whole number").map_err(|p| within("checksum", p))?;
    no_more(&fields, "/checksum")?;
    match (sha256, part_bytes) {
        (Value::String(text), None) => checked_digest(&text, "/checksum/sha256").map(Sums::Whole),
        (Value::Array(list), Some(part_bytes)) => {
            let sha256 = checked_parts(&list, part_bytes, bytes)?;
            Ok(Sums::Parts { part_bytes, sha256 })
        }
        _ => Err(invalid(
            "/checksum/sha256",
            format!("`sha256` must be {wanted}."),
        )),
    }
}

fn checked_parts(list: &[Value], part_bytes: u64, bytes: u64) -> Result<Vec<String>, Problem> {
    let least = PART_BYTES_MIN.max(bytes.div_ceil(PARTS_MAX));
    if !(least..=BYTES_MAX).contains(&part_bytes) {
        let detail = format!("A part of this file has {least} to {BYTES_MAX} bytes.");
        return Err(invalid("/checksum/part_bytes", detail));
    }
    let count = bytes.div_ceil(part_bytes);
    if u64::try_from(list.len()) != Ok(count) {
        let detail = format!(
            "{bytes} bytes are {count} parts of at most {part_bytes} bytes; {} checksums were given.",
            list.len()
        );
        return Err(invalid("/checksum/sha256", detail));
    }
    let digest = |(n, sum): (usize, &Value)| {
        let pointer = format!("/checksum/sha256/{n}");
        checked_digest(sum.as_str().unwrap_or_default(), &pointer)
    };
    list.iter().enumerate().map(digest).collect()
}

/// Takes 64 hexadecimal digits or base64 of 32 bytes.
fn checked_digest(text: &str, pointer: &str) -> Result<String, Problem> {
    let digest = if text.len() == 64 {
        from_hex(text)
    } else {
        BASE64_STANDARD.decode(text).ok().filter(|d| d.len() == 32)
    };
    digest.map(|d| BASE64_STANDARD.encode(d)).ok_or_else(|| {
        invalid(
            pointer,
            "A SHA-256 is 64 hexadecimal digits, or 44 characters of base64.",
        )
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let digit = |b: u8| char::from(b).to_digit(16);
            match pair {
                [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
                _ => None,
            }
        })
        .collect()
}

fn checked_key(mode: Mode, key: Vec<String>) -> Result<Vec<String>, Problem> {
    if mode.needs_key() && key.is_empty() {
        return Err(invalid(
            "/key",
            "Name the columns by which a row of the file is the same as one of the dataset.",
        ));
    }
    if !mode.needs_key() && !key.is_empty() {
        return Err(invalid(
            "/key",
            "A key is only for the modes \"upsert\" and \"sync\"; leave it out.",
        ));
    }
    if key.len() > KEY_MAX {
        let detail = format!("A key has at most {KEY_MAX} columns.");
        return Err(invalid("/key", detail));
    }
    if let Some(no) = (1..key.len()).find(|no| key[..*no].contains(&key[*no])) {
        let detail = "This column is in the key already.";
        return Err(invalid(&format!("/key/{no}"), detail));
    }
    Ok(key)
}

fn checked_destination(
    mode: Mode,
    target: Value,
    key: Vec<String>,
) -> Result<Destination, Problem> {
    let Value::Object(mut fields) = target else {
        return Err(invalid(
            "/dataset",
            "`dataset` must be {\"new_name\": \"…\"} or {\"id\": \"dst_…\"}.",
        ));
    };
    let destination = match mode {
        Mode::New => {
            let name: String = required(
                &mut fields,
                "new_name",
                "a string, because the mode is \"new\"",
            )
            .map_err(|p| within("dataset", p))?;
            let name = checked_name(&name)
                .map_err(|e| invalid("/dataset/new_name", format!("The dataset's name {e}.")))?;
            Destination::New {
                name: name.to_owned(),
            }
        }
        Mode::Append | Mode::Upsert | Mode::Replace | Mode::Sync => {
            let id: String = required(
                &mut fields,
                "id",
                "the id of a dataset, because the mode is not \"new\"",
            )
            .map_err(|p| within("dataset", p))?;
            let id = id.parse().map_err(|_| {
                invalid(
                    "/dataset/id",
                    "A dataset's id looks like \"dst_…\" with 26 characters.",
                )
            })?;
            Destination::Existing { id, mode, key }
        }
    };
    no_more(&fields, "/dataset")?;
    Ok(destination)
}

/// Reads each option by itself, so that the one at fault can be named.
pub fn checked_options(options: Value) -> Result<Options, Problem> {
    let Value::Object(fields) = options else {
        return Err(invalid("/options", "`options` must be an object."));
    };
    for (name, value) in &fields {
        let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        serde_json::from_value::<Options>(alone).map_err(|e| {
            invalid(
                &format!("/options/{name}"),
                format!("This option is not valid: {e}."),
            )
        })?;
    }
    let options: Options = serde_json::from_value(Value::Object(fields))
        .map_err(|e| invalid("/options", format!("The options are not valid: {e}.")))?;
    options
        .check()
        .map_err(|(name, advice)| invalid(&format!("/options/{name}"), advice))?;
    Ok(options)
}

fn required<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    what: &str,
) -> Result<T, Problem> {
    optional(fields, name, what)?.ok_or_else(|| {
        invalid(
            &format!("/{name}"),
            format!("`{name}` is missing; it must be {what}."),
        )
    })
}

fn optional<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    what: &str,
) -> Result<Option<T>, Problem> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|_| invalid(&format!("/{name}"), format!("`{name}` must be {what}."))),
    }
}

fn within(parent: &str, mut problem: Problem) -> Problem {
    problem.pointer = problem.pointer.map(|field| format!("/{parent}{field}"));
    problem
}

fn no_more(fields: &Map<String, Value>, parent: &str) -> Result<(), Problem> {
    match fields.keys().next() {
        None => Ok(()),
        Some(name) => Err(invalid(
            &format!("{parent}/{name}"),
            "There is no such field; take it out or check its spelling.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "file_name": "flights.csv",
            "bytes": 30_000_000,
            "dataset": {"new_name": "Flights"},
            "mode": "new",
        })
    }

    /// Changes one field of a good body and tells the code and pointer of the answer.
    fn fault(field: &str, value: Value) -> (Code, String) {
        let mut body = good();
        body[field] = value;
        let problem = UploadRequest::try_from(body).expect_err("must be refused");
        (problem.code, problem.pointer.unwrap_or_default())
    }

    #[test]
    fn a_good_request_is_taken() {
        let request = UploadRequest::try_from(good()).unwrap();
        assert_eq!(request.bytes, 30_000_000);
        assert_eq!(request.confirm, Confirm::Auto);
        assert_eq!(
            request.destination,
            Destination::New {
                name: "Flights".into()
            }
        );
    }

    #[test]
    fn every_fault_names_its_field() {
        let v = Code::Validation;
        for (field, value, code, pointer) in [
            ("file_name", json!(""), v, "/file_name"),
            ("file_name", json!("a\u{0}b.csv"), v, "/file_name"),
            ("file_name", json!("é".repeat(256)), v, "/file_name"),
            ("file_name", json!(7), v, "/file_name"),
            ("file_name", Value::Null, v, "/file_name"),
            ("bytes", json!(0), Code::EmptyFile, "/bytes"),
            ("bytes", json!(-1), v, "/bytes"),
            ("bytes", json!(1.5), v, "/bytes"),
            ("bytes", json!("12"), v, "/bytes"),
            ("bytes", json!(BYTES_MAX + 1), Code::TooLarge, "/bytes"),
            ("checksum", json!("abc"), v, "/checksum"),
            ("checksum", json!({"sha256": "abc"}), v, "/checksum/sha256"),
            ("checksum", json!({"md5": "abc"}), v, "/checksum/sha256"),
            (
                "checksum",
                json!({"sha256": "g".repeat(64)}),
                v,
                "/checksum/sha256",
            ),
            ("mode", json!("upsert"), v, "/key"),
            ("mode", json!("sync"), v, "/key"),
            ("mode", json!("merge"), v, "/mode"),
            ("mode", json!("append"), v, "/dataset/id"),
            ("dataset", json!({}), v, "/dataset/new_name"),
            ("dataset", json!({"new_name": " "}), v, "/dataset/new_name"),
            (
                "dataset",
                json!({"new_name": "x", "id": "y"}),
                v,
                "/dataset/id",
            ),
            ("dataset", json!("x"), v, "/dataset"),
            ("key", json!(["a"]), v, "/key"),
            ("key", json!("a"), v, "/key"),
            ("options", json!({"delimiter": ""}), v, "/options/delimiter"),
            (
                "options",
                json!({"delimiter": "\n"}),
                v,
                "/options/delimiter",
            ),
            ("options", json!({"quote": "<>"}), v, "/options/quote"),
            (
                "options",
                json!({"quote": ";", "delimiter": ";"}),
                v,
                "/options/quote",
            ),
            (
                "options",
                json!({"header": true, "header_rows": 0}),
                v,
                "/options/header_rows",
            ),
            ("options", json!({"header": "yes"}), v, "/options/header"),
            (
                "options",
                json!({"types": {"a": "number"}}),
                v,
                "/options/types",
            ),
            ("options", json!({"colour": 1}), v, "/options/colour"),
            ("confirm", json!("maybe"), v, "/confirm"),
            ("surprise", json!(1), v, "/surprise"),
        ] {
            assert_eq!(
                fault(field, value.clone()),
                (code, pointer.to_owned()),
                "{field} = {value}"
            );
        }
        assert!(UploadRequest::try_from(json!([])).is_err());
    }

    #[test]
    fn an_existing_dataset_is_named_by_a_valid_id() {
        let mut body = good();
        body["mode"] = json!("append");
        body["dataset"] = json!({"id": "dst_nonsense"});
        let problem = UploadRequest::try_from(body.clone()).unwrap_err();
        assert_eq!(problem.pointer.as_deref(), Some("/dataset/id"));
        let id = DatasetId::generate();
        body["dataset"] = json!({"id": id});
        assert_eq!(
            UploadRequest::try_from(body.clone()).unwrap().destination,
            Destination::Existing {
                id,
                mode: Mode::Append,
                key: Vec::new(),
            }
        );
        body["mode"] = json!("upsert");
        for (key, pointer) in [
            (json!(["a", "b", "a"]), "/key/2"),
            (json!(vec!["a"; 33]), "/key"),
        ] {
            body["key"] = key;
            let problem = UploadRequest::try_from(body.clone()).unwrap_err();
            assert_eq!(problem.pointer.as_deref(), Some(pointer));
        }
        body["key"] = json!(["a", "b"]);
        assert!(UploadRequest::try_from(body).is_ok());
    }

    #[test]
    fn a_checksum_is_taken_as_hex_or_base64() {
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        for text in [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            base64,
        ] {
            let mut body = good();
            body["checksum"] = json!({"sha256": text});
            let request = UploadRequest::try_from(body).unwrap();
            assert_eq!(request.sums, Sums::Whole(base64.to_owned()));
        }
    }

    #[test]
    fn a_file_goes_in_parts_when_it_is_large_or_when_its_parts_have_checksums() {
        const MIB: u64 = 1024 * 1024;
        const SUM: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let parts = |bytes: u64, checksum: Value| {
            let mut body = good();
            body["bytes"] = json!(bytes);
            body["checksum"] = checksum;
            UploadRequest::try_from(body).map(|request| request.part_bytes())
        };
        assert_eq!(parts(256 * MIB, Value::Null), Ok(None));
        assert_eq!(parts(256 * MIB + 1, Value::Null), Ok(Some(16 * MIB)));
        assert_eq!(parts(512 * MIB, json!({"sha256": SUM})), Ok(None));
        let of = |bytes: u64, sums: &[&str]| json!({"part_bytes": bytes, "sha256": sums});
        assert_eq!(parts(9 * MIB, of(5 * MIB, &[SUM, SUM])), Ok(Some(5 * MIB)));
        for (checksum, pointer) in [
            (of(MIB, &[SUM; 9]), "/checksum/part_bytes"),
            (of(5 * MIB, &[SUM]), "/checksum/sha256"),
            (of(5 * MIB, &[SUM, "zz"]), "/checksum/sha256/1"),
            (json!({"sha256": [SUM]}), "/checksum/sha256"),
            (
                json!({"part_bytes": 5 * MIB, "sha256": SUM}),
                "/checksum/sha256",
            ),
        ] {
            let problem = parts(9 * MIB, checksum).unwrap_err();
            assert_eq!(problem.pointer.as_deref(), Some(pointer));
        }
    }
}
