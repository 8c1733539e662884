//! `serve --role`: one role in the foreground, as `up` starts it in the background. Next: `crate::serve`.

use anyhow::bail;

use crate::{
    serve::{Serving, page::Pages},
    stack::{Role, folder::Folder, process::Running, published, settings, up::role_spec},
};

pub(super) async fn serve(folder: &Folder, role: Role) -> anyhow::Result<u8> {
    let settings = settings::read(folder)?;
    // Without a data folder (a container) the environment says everything, and nobody needs to know the process.
    let running = folder
        .settings_json()
        .exists()
        .then(|| register(folder, role))
        .transpose()?;
    let serving = Serving::start(role, &settings, Pages::Built).await?;
    if running.is_some() {
        published::refresh(folder)?;
    }
    serving.until_stopped().await;
    if let Some(running) = running
        && Running::read(folder, role.name()).as_ref() == Some(&running)
    {
        running.forget(folder);
    }
    Ok(0)
}

/// Writes down that this process is the role now, with the fingerprint that `up` would give it.
fn register(folder: &Folder, role: Role) -> anyhow::Result<Running> {
    let text = std::fs::read_to_string(folder.settings_json())?;
    let spec = role_spec(folder, role, std::env::current_exe()?, &text);
    let pid = std::process::id();
    if let Some(other) = Running::read(folder, role.name())
        && other.pid != pid
        && other.is_alive()
    {
        bail!("{role} of this stack runs already, with pid {}", other.pid);
    }
    let Some(running) = Running::of(role.name(), pid, spec.fingerprint()) else {
        bail!("cannot read this process's own start time");
    };
    running.write(folder)?;
    Ok(running)
}
