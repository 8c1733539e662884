//! `.env.example` is a configuration that every function takes, with its commented defaults as well.

use std::collections::BTreeMap;

use host::stack::settings::TUNABLE;
use platform::config::Settings;

const EXAMPLE: &str = include_str!("../../../.env.example");

fn example() -> BTreeMap<String, String> {
    EXAMPLE
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.starts_with("GRIDKEEP_"))
                .unwrap_or(line)
        })
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            (name.to_owned(), value.replace("\\n", "\n"))
        })
        .collect()
}

#[test]
fn every_function_takes_the_example() {
    let settings = Settings::from_map(example());
    auth::Config::from(&settings).unwrap();
    presign::Config::from(&settings).unwrap();
    etl::Config::from(&settings).unwrap();
    consumer::Config::from(&settings).unwrap();
    data_api::Config::from(&settings).unwrap();
}

#[test]
fn the_example_shows_every_setting_that_may_be_tuned() {
    let example = example();
    for name in TUNABLE.iter().filter(|name| name.starts_with("GRIDKEEP_")) {
        assert!(
            example.contains_key(*name),
            "{name} is missing in .env.example"
        );
    }
}
