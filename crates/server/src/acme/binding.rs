//! The binding of an account with an authority to one that exists elsewhere (RFC 8555 §7.3.4).

use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use instant_acme::ExternalAccountKey;

use crate::config::{self, Sourced, StartError, readable};

/// How much of a file with a key is read: many times the longest.
const MOST_BYTES: u64 = 64 * 1024;

/// As authorities hand keys out, some with padding and some without.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the file must hold.
const CURE: &str = "write the key on its first line, in base64url as the authority has handed it out";

/// A key by which accounts are bound.
pub(super) struct Binding {
    kid: Box<str>,
    key: Vec<u8>,
}

impl Binding {
    /// Reads the key.
    pub(super) fn read(given: &config::Binding) -> Result<Binding, StartError> {
        let config::Binding { kid, key: file } = given;
        let text = first_line(file)?;
        match BASE64URL.decode(text.trim()) {
            Ok(key) if !key.is_empty() => Ok(Binding { kid: kid.clone(), key }),
            Ok(_) => Err(file.misfit("holds no key", CURE)),
            Err(_) => Err(file.misfit("holds a key that is not in base64url", CURE)),
        }
    }

    /// As the crate takes it.
    pub(super) fn key(&self) -> ExternalAccountKey {
        ExternalAccountKey::new(self.kid.to_string(), &self.key)
    }
}

fn first_line(file: &Sourced<PathBuf>) -> Result<String, StartError> {
    let mut text = String::new();
    readable::open(&file.value)
        .and_then(|opened| opened.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| file.misfit(format_args!("cannot be read ({error})"), "name a file with the key"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
