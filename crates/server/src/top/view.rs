//! What is chosen to be seen, and what keys change in it. Knows no terminal.

use super::snapshot::{Busy, Snapshot, Transfer};

/// What transfers are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TransferOrder {
    /// The oldest first, as they come.
    #[default]
    Age,
    /// The fastest first.
    Rate,
    /// The furthest first.
    Progress,
    /// By their path.
    Path,
}

/// What files are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FileOrder {
    /// The most asked for first.
    #[default]
    Requests,
    /// The most bytes first.
    Bytes,
    /// The most often aborted first.
    Aborted,
    /// By their path.
    Path,
}

/// A key, as far as one has a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C.
    Interrupt,
}

/// Whether it goes on after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    Quit,
}

/// What is chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) transfer_order: TransferOrder,
    pub(super) file_order: FileOrder,
    /// What a path must contain, in any case of ASCII letters.
    pub(super) filter: String,
    /// Whether the filter is being written.
    pub(super) typing: Typing,
}

/// Where characters go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Typing {
    /// They are commands.
    #[default]
    Commands,
    /// Into the filter.
    Filter,
}

/// The longest filter, in characters: more than a terminal shows.
const LONGEST_FILTER: usize = 200;

impl View {
    /// Does what a key means.
    pub(super) fn press(&mut self, key: Key) -> Step {
        match (self.typing, key) {
            (_, Key::Interrupt) | (Typing::Commands, Key::Character('q')) => return Step::Quit,
            (Typing::Filter, Key::Character(character)) => {
                if self.filter.chars().count() < LONGEST_FILTER {
                    self.filter.push(character);
                }
            }
            (Typing::Filter, Key::Backspace) => drop(self.filter.pop()),
            (Typing::Filter, Key::Enter) => self.typing = Typing::Commands,
            (_, Key::Escape) => {
                self.filter.clear();
                self.typing = Typing::Commands;
            }
            (Typing::Commands, Key::Character('/')) => self.typing = Typing::Filter,
            (Typing::Commands, Key::Character('t')) => self.transfer_order = self.transfer_order.next(),
            (Typing::Commands, Key::Character('f')) => self.file_order = self.file_order.next(),
            (Typing::Commands, Key::Character(_) | Key::Enter | Key::Backspace) => {}
        }
        Step::Stay
    }

    /// The transfers to show, in order.
    pub(super) fn transfers<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Transfer> {
        let all = snapshot.transfers.transfers.iter();
        let mut shown: Vec<_> = all.filter(|transfer| self.shows(&transfer.path)).collect();
        match self.transfer_order {
            TransferOrder::Age => {}
            TransferOrder::Rate => shown.sort_by_key(|it| std::cmp::Reverse(it.bytes_per_s)),
            TransferOrder::Progress => shown.sort_by(|a, b| b.compare_progress(a)),
            TransferOrder::Path => shown.sort_by(|a, b| a.path.cmp(&b.path)),
        }
        shown
    }

    /// The files to show, in order.
    pub(super) fn files<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Busy> {
        let mut shown: Vec<_> = snapshot.busiest.iter().filter(|file| self.shows(&file.path)).collect();
        match self.file_order {
            FileOrder::Requests => shown.sort_by_key(|it| std::cmp::Reverse(it.requests)),
            FileOrder::Bytes => shown.sort_by_key(|it| std::cmp::Reverse(it.bytes)),
            FileOrder::Aborted => shown.sort_by_key(|it| std::cmp::Reverse(it.aborted)),
            FileOrder::Path => shown.sort_by(|a, b| a.path.cmp(&b.path)),
        }
        shown
    }

    fn shows(&self, path: &str) -> bool {
        path.to_ascii_lowercase().contains(&self.filter.to_ascii_lowercase())
    }
}

impl TransferOrder {
    fn next(self) -> TransferOrder {
        match self {
            TransferOrder::Age => TransferOrder::Rate,
            TransferOrder::Rate => TransferOrder::Progress,
            TransferOrder::Progress => TransferOrder::Path,
            TransferOrder::Path => TransferOrder::Age,
        }
    }

    /// As the title says it.
    pub(super) fn word(self) -> &'static str {
        match self {
            TransferOrder::Age => "oldest first",
            TransferOrder::Rate => "fastest first",
            TransferOrder::Progress => "furthest first",
            TransferOrder::Path => "by path",
        }
    }
}

impl FileOrder {
    fn next(self) -> FileOrder {
        match self {
            FileOrder::Requests => FileOrder::Bytes,
            FileOrder::Bytes => FileOrder::Aborted,
            FileOrder::Aborted => FileOrder::Path,
            FileOrder::Path => FileOrder::Requests,
        }
    }

    /// As the title says it.
    pub(super) fn word(self) -> &'static str {
        match self {
            FileOrder::Requests => "most requests first",
            FileOrder::Bytes => "most bytes first",
            FileOrder::Aborted => "most aborted first",
            FileOrder::Path => "by path",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::snapshot;
    use super::*;

    /// Presses keys, where `<` is Escape, `>` Enter and `-` Backspace; says what is shown then.
    #[track_caller]
    fn check(keys: &str, expect: &str) {
        let mut view = View::default();
        for key in keys.chars() {
            let key = match key {
                '<' => Key::Escape,
                '>' => Key::Enter,
                '-' => Key::Backspace,
                other => Key::Character(other),
            };
            if view.press(key) == Step::Quit {
                assert_eq!("quit", expect);
                return;
            }
        }
        let snapshot = snapshot();
        let transfers: Vec<&str> = view.transfers(&snapshot).iter().map(|it| &*it.path).collect();
        let files: Vec<&str> = view.files(&snapshot).iter().map(|it| &*it.path).collect();
        assert_eq!(format!("{} | {}", transfers.join(" "), files.join(" ")), expect, "{keys}");
    }

    #[test]
    fn what_keys_do() {
        check("", "/b.iso /a.iso | /a.iso /notes.txt");
        check("t", "/a.iso /b.iso | /a.iso /notes.txt");
        check("tt", "/b.iso /a.iso | /a.iso /notes.txt");
        check("ttt", "/a.iso /b.iso | /a.iso /notes.txt");
        check("tttt", "/b.iso /a.iso | /a.iso /notes.txt");
        check("ff", "/b.iso /a.iso | /notes.txt /a.iso");
        check("fff", "/b.iso /a.iso | /a.iso /notes.txt");
        check("/A.", "/a.iso | /a.iso");
        check("/notq>", " | ");
        check("/not>", " | /notes.txt");
        check("/x-", "/b.iso /a.iso | /a.iso /notes.txt");
        check("/not<", "/b.iso /a.iso | /a.iso /notes.txt");
        check("zq", "quit");
        check("/a>q", "quit");
        assert_eq!(View { typing: Typing::Filter, ..View::default() }.press(Key::Interrupt), Step::Quit);
    }
}
