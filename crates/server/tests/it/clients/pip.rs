//! `pip`: a package index that is nothing but folders and their listings (PEP 503).

use std::fs;

use super::program::run;
use super::python;
use super::served::Served;
use crate::harness::Site;

/// Writes a wheel (PEP 427) of one module, given its name, its version and the folder to write it to.
const MAKE_WHEEL: &str = r#"
import sys, zipfile
name, version, folder = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    files = {
        f"{name}.py": f"version = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    for path, text in files.items():
        wheel.writestr(path, text)
"#;

#[test]
fn packages_are_found_by_listings_and_installed() {
    let site = Site::new();
    let folder = site.path("simple/tallyd-tiny");
    fs::create_dir_all(&folder).expect("a folder");
    for version in ["1.0", "1.1+local"] {
        let mut make = python::command(python::PYTHON, site.around());
        run(make.args(["-c", MAKE_WHEEL, "tallyd_tiny", version]).arg(&folder)).well();
    }
    let served = Served::start(site, &[]);
    let index = served.url("/simple/");
    let pip = |arguments: &[&str]| {
        let mut command = python::command(python::PYTHON, &served.downloads());
        command.args([
            "-m",
            "pip",
            "--isolated",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--no-input",
        ]);
        run(command.args(arguments).args(["--index-url", &index, "--no-deps"])).well();
    };
    pip(&["download", "--quiet", "tallyd-tiny==1.0"]);
    let wheel = "tallyd_tiny-1.0-py3-none-any.whl";
    let path = format!("/simple/tallyd-tiny/{wheel}");
    assert!(served.saved(wheel) == fs::read(served.site.path(&path[1..])).expect("our file"));
    served.counted(&path, "requests 1 full 1 completed 1 downloads 1");
    // The newest, whose name has a character that an address must encode.
    pip(&["install", "--quiet", "--target", "installed", "tallyd-tiny"]);
    assert_eq!(served.saved("installed/tallyd_tiny.py"), b"version = '1.1+local'\n");
    let newest = "/simple/tallyd-tiny/tallyd_tiny-1.1+local-py3-none-any.whl";
    served.counted(newest, "requests 1 full 1 completed 1 downloads 1");
}
