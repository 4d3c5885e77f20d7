//! What the process holds in memory when it has started, and no longer needs.
//!
//! The start runs through a good part of the program once: settings, certificates, the ledger's schema. The kernel maps what
//! lies around each page of code that runs, and counts it as the process's own for as long as it lives.

use std::fs;
use std::ops::Range;

use crate::kernel;

/// Gives back what is mapped of the program's code, and of what its loader has read; what is needed from now on is mapped
/// again from the kernel's cache, when it is needed for the first time. Best effort: without it, the process is only larger.
pub(crate) fn give_back_start() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for range in maps.lines().filter_map(unwritten_part_of_file) {
        // What stays mapped costs memory and nothing else.
        let _ = kernel::unmap_unwritten(range);
    }
}

/// The addresses of a line of `/proc/self/maps` (`proc_pid_maps(5)`), if it is of a part of a program or library that nobody
/// ever writes to: its code, or the part that it begins with. Others are written to before they are protected.
fn unwritten_part_of_file(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (addresses, rights, offset) = (words.next()?, words.next()?, words.next()?);
    // Behind them are the device, the inode, and a path for what comes from a file.
    let is_file = words.nth(2)?.starts_with('/');
    let is_beginning = offset.bytes().all(|digit| digit == b'0');
    let (start, end) = addresses.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let range = address(start)?..address(end)?;
    (is_file && (rights == "r-xp" || (rights == "r--p" && is_beginning))).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: Option<&Range<usize>>) {
        assert_eq!(unwritten_part_of_file(line).as_ref(), expect, "{line}");
    }

    #[test]
    fn what_is_never_written_is_told_from_everything_else() {
        check("1000-3000 r-xp 0035a000 fe:00 624 /usr/bin/a program", Some(&(0x1000..0x3000)));
        check("1000-3000 r--p 00000000 fe:00 624 /usr/bin/program", Some(&(0x1000..0x3000)));
        check("1000-3000 r--p 00de4000 fe:00 624 /usr/bin/program", None);
        check("1000-3000 rw-p 00000000 fe:00 624 /usr/bin/program", None);
        check("1000-3000 rwxp 00de4000 fe:00 624 /usr/bin/program", None);
        check("7fff1000-7fff3000 r-xp 00000000 00:00 0 [vdso]", None);
        check("1000-3000 r-xp 00000000 00:00 0", None);
        check("", None);
    }

    #[test]
    fn the_program_runs_on_without_its_start_in_memory() {
        give_back_start();
        check("1000-3000 r-xp 0035a000 fe:00 624 /usr/bin/program", Some(&(0x1000..0x3000)));
    }
}
