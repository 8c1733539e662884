//! Processes that outlive the command that started them. Each runs in a session of its own, writes to its log, carries the
//! stack's mark in its environment, and has a small file under `run/` that says which process it is. A pid alone proves
//! nothing (the system gives it out again), so the file has the process's start time beside it.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::folder::{Folder, write_whole};

/// In the environment of everything that belongs to a stack: the stack's data folder.
pub const MARK: &str = "GRIDKEEP_STACK";

/// Looks at a process this often while it starts or stops.
pub const POLL: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: &'static str,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(String, String)>,
    /// Another user to run as; only root can.
    pub user: Option<User>,
    pub dir: PathBuf,
    /// Whatever else it depends on: content of its configuration files.
    pub config: String,
    /// How it is asked to stop.
    pub stop: Signal,
}

#[derive(Clone, Copy, Debug)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

impl Spec {
    #[must_use]
    pub fn new(name: &'static str, program: impl Into<PathBuf>, dir: &Path) -> Self {
        Self {
            name,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            user: None,
            dir: dir.to_owned(),
            config: String::new(),
            stop: Signal::TERM,
        }
    }

    /// Changes whenever a running process would no longer be what this asks for: other arguments, configuration or program.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let program = fs::metadata(&self.program).ok();
        let changed = program.as_ref().and_then(|meta| meta.modified().ok());
        let bytes = program.map(|meta| meta.len());
        let text = format!(
            "{:?} {changed:?} {bytes:?} {:?} {:?} {}",
            self.program, self.args, self.env, self.config
        );
        Sha256::digest(text)[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Starts it and writes down that it runs.
    ///
    /// # Errors
    /// When the program or its log cannot be opened.
    pub fn spawn(&self, folder: &Folder) -> anyhow::Result<Running> {
        let log_path = folder.log(self.name);
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .with_context(|| format!("cannot open {}", log_path.display()))?;
        // `setsid` becomes the program in place: a terminal's Ctrl-C and hang-up do not reach it, and its pid is this child's.
        let mut command = Command::new("setsid");
        command
            .arg(&self.program)
            .args(&self.args)
            .env(MARK, folder.path())
            .envs(self.env.iter().cloned())
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let pid = child.id();
        // Whoever lives long (a test, `gridkeep dev`) must not keep it as a zombie.
        std::thread::spawn(move || {
            let mut child = child;
            child.wait()
        });
        let running = Running::of(self.name, pid, self.fingerprint()).with_context(|| {
            format!(
                "{} ended at once; its log is {}",
                self.name,
                log_path.display()
            )
        })?;
        running.write(folder)?;
        Ok(running)
    }
}

/// A process of the stack that was started, as `run/<name>.json` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub name: String,
    pub pid: u32,
    /// Clock ticks from the system's start, as /proc has it.
    pub started: u64,
    pub fingerprint: String,
}

impl Running {
    /// None when there is no such process.
    #[must_use]
    pub fn of(name: &str, pid: u32, fingerprint: String) -> Option<Self> {
        let started = start_of(pid)?;
        Some(Self {
            name: name.to_owned(),
            pid,
            started,
            fingerprint,
        })
    }

    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, folder: &Folder) -> anyhow::Result<()> {
        let path = folder.run().join(format!("{}.json", self.name));
        write_whole(&path, &serde_json::to_vec(self)?, false)
    }

    /// What was last started under this name, dead or alive.
    #[must_use]
    pub fn read(folder: &Folder, name: &str) -> Option<Self> {
        let bytes = fs::read(folder.run().join(format!("{name}.json"))).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Everything that was started, dead or alive.
    #[must_use]
    pub fn all(folder: &Folder) -> Vec<Self> {
        let Ok(files) = fs::read_dir(folder.run()) else {
            return Vec::new();
        };
        let mut all: Vec<Self> = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter_map(|file| Self::read(folder, file.strip_suffix(".json")?))
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    pub fn forget(&self, folder: &Folder) {
        // It may be gone, which is what is wanted.
        let _gone = fs::remove_file(folder.run().join(format!("{}.json", self.name)));
    }

    #[must_use]
    pub fn is_alive(&self) -> bool {
        start_of(self.pid) == Some(self.started)
    }

    /// Asks it to stop, and kills it and what it started when it does not within `patience`.
    pub async fn stop(&self, signal: Signal, patience: Duration) {
        if !self.is_alive() {
            return;
        }
        send(self.pid, signal);
        if !self.ended_within(patience).await {
            tracing::warn!(
                process = self.name,
                pid = self.pid,
                "{} does not stop by itself and is killed",
                self.name
            );
            self.kill().await;
        }
    }

    /// SIGKILL, to it and to whatever it started in its session; returns when it is gone.
    pub async fn kill(&self) {
        if self.is_alive() {
            if let Some(pid) = pid_of(self.pid) {
                // Of a role that somebody started in a terminal, the group may be another's.
                let _no_group = rustix::process::kill_process_group(pid, Signal::KILL);
            }
            send(self.pid, Signal::KILL);
            self.ended_within(Duration::from_secs(10)).await;
        }
    }

    async fn ended_within(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }
}

/// Signals a process; that it is gone already is fine.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = pid_of(pid) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// When the process started; None for one that is gone or only waits to be collected.
#[must_use]
pub fn start_of(pid: u32) -> Option<u64> {
    let fields = stat(pid)?;
    if matches!(fields.first()?.as_str(), "Z" | "X") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// The session of the process: the pid of what was started by [`Spec::spawn`], for it and whatever it started.
#[must_use]
pub fn session_of(pid: u32) -> Option<u32> {
    stat(pid)?.get(3)?.parse().ok()
}

/// The fields of `/proc/<pid>/stat` from the third, the state, on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    Some(
        stat.rsplit_once(')')?
            .1
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    )
}

/// Processes that carry this stack's mark, whether written down or not: what a killed command started last, or what was left
/// when somebody removed the data folder.
#[must_use]
pub fn marked(folder: &Path) -> Vec<u32> {
    let mark = format!("{MARK}={}", folder.display());
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
                environ
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == mark.as_bytes())
            })
        })
        .filter(|pid| start_of(*pid).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Folder {
        Folder::make(&std::env::temp_dir().join(format!("gridkeep-{name}-{}", std::process::id())))
            .unwrap()
    }

    #[tokio::test]
    async fn a_started_process_is_known_marked_and_can_be_stopped() {
        let folder = folder("process");
        let mut spec = Spec::new("sleeper", "/bin/sleep", folder.path());
        spec.args = vec!["60".into()];
        let running = spec.spawn(&folder).unwrap();
        assert!(running.is_alive());
        assert_eq!(Running::read(&folder, "sleeper"), Some(running.clone()));
        // While `setsid` becomes the program its environment reads as empty for a moment.
        let deadline = Instant::now() + Duration::from_secs(5);
        while marked(folder.path()).is_empty() {
            assert!(Instant::now() < deadline, "the mark never appeared");
            tokio::time::sleep(POLL).await;
        }
        assert_eq!(marked(folder.path()), vec![running.pid]);
        running.stop(Signal::TERM, Duration::from_secs(5)).await;
        assert!(!running.is_alive());
        fs::remove_dir_all(folder.path()).unwrap();
    }

    #[tokio::test]
    async fn one_that_ignores_the_request_is_killed_with_its_children() {
        let folder = folder("stubborn");
        let mut spec = Spec::new("stubborn", "/bin/sh", folder.path());
        spec.args = vec![
            "-c".into(),
            "trap '' TERM; touch ready; sleep 60 & wait; sleep 60".into(),
        ];
        let running = spec.spawn(&folder).unwrap();
        while !folder.join("ready").exists() {
            tokio::time::sleep(POLL).await;
        }
        running.stop(Signal::TERM, Duration::from_millis(100)).await;
        assert!(!running.is_alive());
        let deadline = Instant::now() + Duration::from_secs(5);
        while !marked(folder.path()).is_empty() {
            assert!(Instant::now() < deadline, "a child was left");
            tokio::time::sleep(POLL).await;
        }
        fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn a_reused_pid_is_not_the_process_that_had_it() {
        let mine = Running::of("me", std::process::id(), String::new()).unwrap();
        assert!(mine.is_alive());
        let other = Running {
            started: mine.started + 1,
            ..mine
        };
        assert!(!other.is_alive());
    }
}
