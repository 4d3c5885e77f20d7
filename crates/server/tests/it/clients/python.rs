//! The Python programs that `./check` installs beside the build, in the versions of `requirements.txt`.

use std::path::Path;
use std::process::Command;

use super::program;

pub(super) const PYTHON: &str = "python3";
pub(super) const REDBOT: &str = "redbot";
pub(super) const SCHEMATHESIS: &str = "schemathesis";

/// The command that runs one of them in `folder`.
pub(super) fn command(program: &str, folder: &Path) -> Command {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python").join("bin").join(program);
    let mut command = program::command(path.to_str().expect("a path in UTF-8"), folder);
    // Where else to look for packages is the business of who runs the tests.
    for name in ["PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PYTHONPATH", "PYTHONHOME"] {
        command.env_remove(name);
    }
    command
}
