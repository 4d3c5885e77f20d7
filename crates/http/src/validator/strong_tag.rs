//! The entity tags that this server makes: always strong, so that an interrupted download resumes.
//!
//! A tag writes out what it is made from, with separators that none of its parts contains, so two
//! different inputs cannot give the same tag. Nothing is hashed here.

use std::fmt::{self, Display};

use super::{EntityTag, FileVersion, Strength};
use crate::content_coding::ContentCoding;

/// A strong entity tag, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StrongTag {
    /// With the quotes. Hexadecimal digits, `-`, `.` and tokens of content codings.
    quoted: Box<str>,
}

/// Where equal files must have equal tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagScope {
    /// On this file system: the inode takes part, and a replaced file has another tag even if it kept
    /// length and time.
    FileSystem,
    /// On every node with a copy that kept the modification time.
    Portable,
}

/// Which of a resource's representations the tag is for. Each content coding has a tag of its own, since
/// its bytes are others (RFC 9110 §8.8.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The file that was asked for.
    Original,
    /// A file beside it with this coding; the version is that of this file.
    Sibling(ContentCoding),
    /// The original, encoded by this server; the version is the original's.
    Encoded {
        /// The coding applied.
        coding: ContentCoding,
        /// The encoder and its settings, as a number that changes when they do: another release of an
        /// encoder may write other bytes for the same input, and a download must not resume across it.
        recipe: u32,
    },
}

impl StrongTag {
    /// The tag of a representation made from a file with this metadata.
    pub fn of_file(version: &FileVersion, scope: TagScope, variant: Variant) -> Self {
        let FileVersion { complete_length, modified, inode } = version;
        // The fraction has a fixed width, so that where the seconds end is certain.
        let time = format_args!("{:x}{:08x}", modified.seconds, modified.nanoseconds);
        match scope {
            TagScope::FileSystem => {
                Self::quote(format_args!("{time}-{complete_length:x}-{inode:x}"), variant)
            }
            TagScope::Portable => Self::quote(format_args!("{time}-{complete_length:x}"), variant),
        }
    }

    /// The tag of a representation made from content with this hash, which must be one that is free from
    /// collisions.
    pub fn of_content(hash: &[u8; 32], variant: Variant) -> Self {
        // Without the `-` that every tag made from metadata has.
        Self::quote(format_args!("{}", Hexadecimal(hash)), variant)
    }

    fn quote(source: fmt::Arguments<'_>, variant: Variant) -> Self {
        let quoted = match variant {
            Variant::Original => format!("\"{source}\""),
            Variant::Sibling(coding) => format!("\"{source}.{}\"", coding.token()),
            Variant::Encoded { coding, recipe } => format!("\"{source}.{}.{recipe:x}\"", coding.token()),
        };
        Self { quoted: quoted.into() }
    }

    /// The value of the field `ETag`, in ASCII, with its quotes.
    pub fn as_str(&self) -> &str {
        &self.quoted
    }

    /// The tag for comparison with those of a request.
    pub fn as_entity_tag(&self) -> EntityTag<'_> {
        let opaque = &self.quoted.as_bytes()[1..self.quoted.len() - 1];
        EntityTag { strength: Strength::Strong, opaque }
    }
}

impl Display for StrongTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.quoted)
    }
}

struct Hexadecimal<'a>(&'a [u8]);

impl Display for Hexadecimal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::validator::Timestamp;

    const GZIP: Variant = Variant::Sibling(ContentCoding::Gzip);

    fn version(complete_length: u64, seconds: i64, nanoseconds: u32, inode: u64) -> FileVersion {
        FileVersion { complete_length, modified: Timestamp { seconds, nanoseconds }, inode }
    }

    fn check(tag: &StrongTag, expect: &str) {
        assert_eq!(tag.as_str(), expect);
        // What is sent is what a client sends back (RFC 9110 §8.8.3).
        assert_eq!(EntityTag::parse(tag.as_str().as_bytes()), Some(tag.as_entity_tag()));
        assert_eq!(tag.as_entity_tag().strength, Strength::Strong);
    }

    #[test]
    fn tags_as_sent() {
        let file = version(0x4d2, 0x6500_0000, 0x1f, 0x2a);
        let encoded = Variant::Encoded { coding: ContentCoding::Zstd, recipe: 0x1a };
        check(
            &StrongTag::of_file(&file, TagScope::FileSystem, Variant::Original),
            "\"650000000000001f-4d2-2a\"",
        );
        check(&StrongTag::of_file(&file, TagScope::FileSystem, GZIP), "\"650000000000001f-4d2-2a.gzip\"");
        check(&StrongTag::of_file(&file, TagScope::Portable, Variant::Original), "\"650000000000001f-4d2\"");
        check(&StrongTag::of_file(&file, TagScope::Portable, encoded), "\"650000000000001f-4d2.zstd.1a\"");
        check(&StrongTag::of_content(&[0xab; 32], GZIP), &format!("\"{}.gzip\"", "ab".repeat(32)));
        check(&StrongTag::of_content(&[0; 32], Variant::Original), &format!("\"{}\"", "00".repeat(32)));
        let extreme = version(u64::MAX, i64::MIN, u32::MAX, u64::MAX);
        check(
            &StrongTag::of_file(&extreme, TagScope::FileSystem, Variant::Original),
            "\"8000000000000000ffffffff-ffffffffffffffff-ffffffffffffffff\"",
        );
    }

    fn variants() -> Vec<Variant> {
        let codings = [ContentCoding::Gzip, ContentCoding::Brotli, ContentCoding::Zstd];
        let encoded = |coding| [0, 1, 0x10].map(|recipe| Variant::Encoded { coding, recipe });
        let siblings = codings.map(Variant::Sibling);
        [Variant::Original].into_iter().chain(siblings).chain(codings.into_iter().flat_map(encoded)).collect()
    }

    #[test]
    fn different_inputs_have_different_tags() {
        let mut seen = HashMap::new();
        let mut add = |tag: StrongTag, input: String| {
            if let Some(other) = seen.insert(tag, input.clone()) {
                panic!("{input} and {other} share a tag");
            }
        };
        for variant in variants() {
            for (length, inode) in
                [(0, 0), (0, 1), (1, 0), (1, 1), (0x11, 1), (1, 0x11), (0x10, 0), (0, 0x10)]
            {
                for (seconds, nanoseconds) in
                    [(0, 0), (0, 1), (1, 0), (-1, 0), (1, 0x1000_0000), (0x11, 0), (0x10, 1)]
                {
                    let file = version(length, seconds, nanoseconds, inode);
                    add(
                        StrongTag::of_file(&file, TagScope::FileSystem, variant),
                        format!("{file:?} {variant:?}"),
                    );
                    if inode == 0 {
                        let tag = StrongTag::of_file(&file, TagScope::Portable, variant);
                        add(tag, format!("portable {file:?} {variant:?}"));
                    }
                }
            }
            for hash in [[0; 32], [1; 32], [0x10; 32]] {
                add(StrongTag::of_content(&hash, variant), format!("{hash:?} {variant:?}"));
            }
        }
    }

    proptest! {
        #[test]
        fn two_versions_have_two_tags(
            one in any::<(u64, i64, u32, u64)>(), other in any::<(u64, i64, u32, u64)>(), keep in 0..16_u8
        ) {
            // Each bit of `keep` carries one part over, so that near misses are tried too.
            let kept = |bit: u8| keep & (1 << bit) != 0;
            let other = (
                if kept(0) { one.0 } else { other.0 }, if kept(1) { one.1 } else { other.1 },
                if kept(2) { one.2 } else { other.2 }, if kept(3) { one.3 } else { other.3 },
            );
            let [a, b] = [one, other].map(|(length, seconds, nanoseconds, inode)| {
                StrongTag::of_file(&version(length, seconds, nanoseconds, inode), TagScope::FileSystem, GZIP)
            });
            prop_assert_eq!(a == b, one == other);
        }
    }
}
