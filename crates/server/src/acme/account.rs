//! The account with an authority (RFC 8555 §7.1.2): opened when it is first needed, kept, and found again.
//!
//! Opening one is agreeing to the authority's terms of service, which the setting says that it does.

use instant_acme::{Account, AccountCredentials, NewAccount};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::binding::Binding;
use super::client::{Client, told};
use super::directory::Directory;
use super::order::Trouble;
use super::state::State;
use crate::console;

/// What accounts are opened with.
pub(super) struct Accounts {
    pub(super) directory: Directory,
    /// Whom the authority writes to, as a URI.
    pub(super) contact: Option<String>,
    /// What they are bound to.
    pub(super) binding: Option<Binding>,
    pub(super) client: Client,
}

/// An account as it is kept.
#[derive(Deserialize, Serialize)]
struct Kept {
    /// What the authority was told, so that it is told again when it changes.
    contact: Option<String>,
    /// As the crate writes them.
    credentials: Value,
}

impl Accounts {
    /// The account that is kept, or a new one.
    pub(super) async fn open(&self, state: &State) -> Result<Account, Trouble> {
        let Some(text) = state.account().map_err(|error| unkept("read", &error))? else {
            return self.register(state).await;
        };
        let kept = serde_json::from_slice(&text)
            .and_then(|kept: Kept| Ok((AccountCredentials::deserialize(&kept.credentials)?, kept)));
        match kept {
            Ok((credentials, kept)) => self.resume(credentials, kept, state).await,
            Err(_) => {
                self.give_up(state)?;
                self.register(state).await
            }
        }
    }

    /// Sets aside an account that is of no use any more.
    pub(super) fn give_up(&self, state: &State) -> Result<(), Trouble> {
        let aside = state.set_account_aside().map_err(|error| unkept("set aside", &error))?;
        let (directory, aside) = (&self.directory, aside.display());
        console::say(format_args!(
            "the account with {directory} is of no use any more, and was moved to {aside}"
        ));
        Ok(())
    }

    async fn register(&self, state: &State) -> Result<Account, Trouble> {
        let contact: Vec<&str> = self.contact.as_deref().into_iter().collect();
        let wanted =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let builder = Account::builder_with_http(Box::new(self.client.clone()));
        let binding = self.binding.as_ref().map(Binding::key);
        let (account, credentials) =
            builder.create(&wanted, self.directory.to_string(), binding.as_ref()).await?;
        let credentials = serde_json::to_value(&credentials).map_err(|error| Trouble::Other(told(&error)))?;
        self.keep(credentials, state)?;
        console::say(format_args!(
            "an account with {} was opened, which is agreeing to its terms of service",
            self.directory
        ));
        Ok(account)
    }

    async fn resume(
        &self,
        credentials: AccountCredentials,
        kept: Kept,
        state: &State,
    ) -> Result<Account, Trouble> {
        let builder = Account::builder_with_http(Box::new(self.client.clone()));
        let account = builder.from_credentials(credentials).await?;
        if kept.contact != self.contact {
            let contact: Vec<&str> = self.contact.as_deref().into_iter().collect();
            account.update_contacts(&contact).await?;
            self.keep(kept.credentials, state)?;
        }
        Ok(account)
    }

    fn keep(&self, credentials: Value, state: &State) -> Result<(), Trouble> {
        let kept = Kept { contact: self.contact.clone(), credentials };
        let text = serde_json::to_vec(&kept).map_err(|error| Trouble::Other(told(&error)))?;
        state.keep_account(&text).map_err(|error| unkept("kept", &error))
    }
}

fn unkept(what: &str, error: &std::io::Error) -> Trouble {
    Trouble::Other(format!("the account cannot be {what} ({error})"))
}
