//! What the settings of ordered certificates mean together.

use std::path::PathBuf;

use super::given::Sourced;
use super::ledger_file::{self, StateFolder};
use super::setting::Row;
use super::start_error::StartError;
use super::table;
use super::typed::Typed;
use crate::acme::challenge::Preference;
use crate::acme::{Directory, Domain};

/// Certificates that are to be ordered.
#[derive(Clone, Debug)]
pub(crate) struct Acme {
    /// For which names, one certificate for each; at least one, no two the same.
    pub(crate) domains: Vec<Sourced<Domain>>,
    /// From which authority.
    pub(crate) directory: Sourced<Directory>,
    /// Whom it may write to.
    pub(crate) contact: Option<Box<str>>,
    /// The file with the only authorities that it is trusted for, if not those of the system.
    pub(crate) roots: Option<Sourced<PathBuf>>,
    /// What the account is bound to.
    pub(crate) binding: Option<Binding>,
    /// How the names are proven.
    pub(crate) preference: Preference,
    /// The folder that was named for what must be kept.
    pub(crate) folder: Option<Sourced<PathBuf>>,
    /// Where it is otherwise.
    state: StateFolder,
}

/// An account elsewhere, to which the one with the authority is bound (RFC 8555 §7.3.4).
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// What the authority calls its key.
    pub(crate) kid: Box<str>,
    /// The file with the key.
    pub(crate) key: Sourced<PathBuf>,
}

impl Acme {
    /// From what was typed to what is meant; `None` if nothing is to be ordered.
    pub(super) fn from_typed(typed: &Typed, state: StateFolder) -> Result<Option<Acme>, StartError> {
        let mut domains: Vec<Sourced<Domain>> = Vec::new();
        for domain in typed.all(&table::ACME)? {
            if !domains.iter().any(|known| known.value == domain.value) {
                domains.push(domain);
            }
        }
        let acme = Acme {
            domains,
            directory: typed.one(&table::ACME_DIRECTORY)?,
            contact: typed.optional(&table::ACME_CONTACT)?.map(|contact| contact.value),
            roots: typed.optional(&table::ACME_CA)?,
            binding: None,
            preference: typed.one(&table::ACME_CHALLENGE)?.value,
            folder: typed.optional(&table::ACME_STATE)?,
            state,
        };
        if !acme.domains.is_empty() {
            return Ok(Some(Acme { binding: Binding::from_typed(typed)?, ..acme }));
        }
        refuse_without_name(typed, &table::ACME_CONTACT)?;
        refuse_without_name(typed, &table::ACME_CA)?;
        refuse_without_name(typed, &table::ACME_EAB_KID)?;
        refuse_without_name(typed, &table::ACME_EAB_KEY)?;
        refuse_without_name(typed, &table::ACME_STATE)?;
        Ok(None)
    }

    /// The folder of this authority: absolute and without links, so that one folder has one name.
    pub(crate) fn folder(&self) -> Result<PathBuf, StartError> {
        let folder = match &self.folder {
            Some(named) => named.value.clone(),
            None => self.state.path().map(|state| state.join("acme")).ok_or_else(|| {
                StartError::misfit(
                    "there is no folder for ordered certificates, because none of HOME, XDG_STATE_HOME and \
                     STATE_DIRECTORY is an absolute path; name one, as in: --acme-state /var/lib/tallyd/acme",
                )
            })?,
        };
        let folder = ledger_file::without_links(&folder).map_err(|error| {
            StartError::misfit(format!(
                "the folder for ordered certificates {} cannot be found ({error}); name another, as in: \
                 --acme-state /var/lib/tallyd/acme",
                folder.display()
            ))
        })?;
        let directory = self.directory.value.as_str();
        let name = directory.strip_prefix("https://").unwrap_or(directory);
        Ok(folder.join(ledger_file::own_name(name.as_bytes())))
    }
}

impl Binding {
    fn from_typed(typed: &Typed) -> Result<Option<Binding>, StartError> {
        match (typed.optional(&table::ACME_EAB_KID)?, typed.optional(&table::ACME_EAB_KEY)?) {
            (None, None) => Ok(None),
            (Some(kid), Some(key)) => Ok(Some(Binding { kid: kid.value, key })),
            (Some(kid), None) => Err(kid.wrong(
                "is of a key that is not there",
                "name the file with it, as in: --acme-eab-key /etc/tallyd/eab.key",
            )),
            (None, Some(key)) => Err(key.wrong(
                "is of no use without what the authority calls the key",
                "say that as well, as in: --acme-eab-kid kid-1",
            )),
        }
    }
}

/// A setting that would do nothing is a mistake. It must have no default.
fn refuse_without_name<T>(typed: &Typed, row: &'static Row<T>) -> Result<(), StartError> {
    match typed.optional(row)? {
        Some(given) => Err(given
            .wrong("is for certificates that are ordered", "say for which name, as in: --acme example.org")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{config_of, start_with};

    #[test]
    fn where_it_is_kept() {
        let check = |args: &[&str], vars: &[&str], expect: &str| {
            let args = [&["--acme", "a.example"], args].concat();
            let config = config_of(start_with(&args, vars, None).expect("the arguments are right"));
            let acme = config.acme.expect("a name was given");
            let folder = match acme.folder() {
                Ok(folder) => folder.to_str().expect("UTF-8").to_owned(),
                Err(error) => error.to_string(),
            };
            assert_eq!(folder, expect, "{args:?} {vars:?}");
        };
        let state = &["STATE_DIRECTORY=/nowhere/tallyd"];
        check(&[], state, "/nowhere/tallyd/acme/acme-v02.api.letsencrypt.org-directory-847edba9");
        check(
            &["--acme-directory", "https://ca.example:9000/dir"],
            state,
            "/nowhere/tallyd/acme/ca.example-9000-dir-b98b5914",
        );
        check(
            &["--acme-state", "/nowhere/else"],
            state,
            "/nowhere/else/acme-v02.api.letsencrypt.org-directory-847edba9",
        );
        check(
            &[],
            &[],
            "there is no folder for ordered certificates, because none of HOME, XDG_STATE_HOME and \
             STATE_DIRECTORY is an absolute path; name one, as in: --acme-state /var/lib/tallyd/acme",
        );
    }

    #[test]
    fn a_binding_has_two_parts() {
        let check = |args: &[&str], expect: &str| {
            let args = [&["--acme", "a.example"], args].concat();
            assert_eq!(start_with(&args, &[], None).expect_err("half a binding"), expect, "{args:?}");
        };
        check(
            &["--acme-eab-kid", "k"],
            "2 the key identifier \"k\" (--acme-eab-kid, command line) is of a key that is not there; name the \
             file with it, as in: --acme-eab-key /etc/tallyd/eab.key",
        );
        check(
            &["--acme-eab-key", "k"],
            "2 the file with the binding key \"k\" (--acme-eab-key, command line) is of no use without what the \
             authority calls the key; say that as well, as in: --acme-eab-kid kid-1",
        );
    }

    #[test]
    fn settings_that_would_do_nothing() {
        let check = |args: &[&str], subject: &str| {
            let expect = format!(
                "2 the {subject}, command line) is for certificates that are ordered; say for which name, as in: \
                 --acme example.org"
            );
            assert_eq!(start_with(args, &[], None).expect_err("nothing is ordered"), expect, "{args:?}");
        };
        check(&["--acme-contact", "a@b.example"], "contact \"a@b.example\" (--acme-contact");
        check(&["--acme-eab-kid", "k"], "key identifier \"k\" (--acme-eab-kid");
        check(&["--acme-eab-key", "k"], "file with the binding key \"k\" (--acme-eab-key");
        check(&["--acme-state", "/s"], "folder for ordered certificates \"/s\" (--acme-state");
    }
}
