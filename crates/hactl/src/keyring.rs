//! The keyring of a run: the sensitive values that it has, and who can read what it writes.

use std::collections::BTreeMap;
use std::path::Path;

use hactl_config::Config;
use hactl_core::address::Address;
use hactl_core::plan::{Action, Change, Plan};
use hactl_core::resolve::{Entries, Secrets};
use hactl_core::state::{Encryption, ResourceState, State};
use hactl_core::value::Sealed;
use hactl_core::{Diagnostic, DigestKey, Sensitive, Value};
use hactl_state::encryption::{Identities, IdentityPath, Recipients, Vault, VaultError, label};

use crate::failure::Failure;
use crate::session::Session;

/// The sensitive values of a run, by the names under which expressions refer to them.
pub(crate) type Values = BTreeMap<String, Sensitive<Value>>;

/// What a run has of keys and secrets.
pub(crate) struct Keyring {
    pub(crate) secrets: Secrets,
    access: Access,
    /// Those that the config names; none where it leaves that open.
    recipients: Option<Recipients>,
    /// The recipients of a state whose config leaves them open: the user alone, where it is not the sandbox's.
    own: Option<Vec<String>>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// What this user can do with what is encrypted.
enum Access {
    /// Read it, and write more.
    Open(Box<Vault>),
    /// There is nothing yet, and this is the key that its digests will be made with.
    New(DigestKey),
    /// Nothing, for this reason.
    Closed(Box<Diagnostic>),
}

impl Keyring {
    /// Decrypts what a state holds encrypted, as far as this user can. `header` says who can; it is the state's, or that
    /// of a saved plan made before there was a state.
    ///
    /// # Errors
    /// When an identity or a recipient cannot be used, or an entry of the state was altered.
    pub(crate) fn unlock(
        session: &Session,
        config: Option<&Config>,
        header: Option<&Encryption>,
        state: &State,
        values: Values,
    ) -> Result<Self, Failure> {
        let recipients = config.map(|config| recipients_of(session, config)).transpose()?.flatten();
        let mut keyring = Self {
            secrets: Secrets { key: None, variables: values, entries: BTreeMap::new() },
            access: Access::Closed(Box::new(Diagnostic::error("there is no identity"))),
            recipients,
            own: None,
            warnings: Vec::new(),
        };
        if header.is_none() && holds_ciphertext(state) {
            return Err(Diagnostic::error("the state holds encrypted values, and no longer who can read them")
                .detail("its field `encryption` is missing: it was edited by something else than hactl")
                .help(format!("get the file back: `git checkout -- {}`", session.store.state_path().display()))
                .into());
        }
        let place = session.identity_path()?;
        let identities = header.map(|_| Identities::load(&place)).transpose().map_err(Diagnostic::from)?.flatten();
        let Some(header) = header.filter(|header| !is_given_up(state, header, identities.as_ref())) else {
            let key = DigestKey::new(session.fresh_key());
            keyring.secrets.key = Some(key.clone());
            keyring.access = Access::New(key);
            return Ok(keyring);
        };
        let Some(identities) = identities else {
            keyring.access = Access::Closed(Box::new(no_identity(&place.path, Some(header))));
            return Ok(keyring);
        };
        keyring.warnings.extend(identities.warning());
        keyring.own = (config.is_some() && !session.is_sandbox()).then(|| identities.recipients().to_vec());
        match Vault::open(header, &identities) {
            Ok(vault) => {
                keyring.secrets.key = Some(vault.key().clone());
                keyring.secrets.entries = entries(state, &vault, &identities)?;
                keyring.access = Access::Open(Box::new(vault));
            }
            Err(error @ VaultError::NotARecipient { .. }) => keyring.access = Access::Closed(Box::new(error.into())),
            Err(error) => return Err(Diagnostic::from(error).into()),
        }
        Ok(keyring)
    }

    /// What the user should know before a plan is shown: which identity is missing, and what that leaves open.
    pub(crate) fn warnings(&self, plan: &Plan) -> Vec<Diagnostic> {
        let mut warnings = self.warnings.clone();
        if let Access::Closed(reason) = &self.access {
            let mut warning = (**reason).clone().as_warning();
            let addresses: Vec<&str> = plan.uncompared.iter().map(Address::as_str).collect();
            let what = match addresses.as_slice() {
                [] => "the sensitive content of files was not compared with what is on the hosts".to_owned(),
                [..] => format!(
                    "not compared, neither with the state nor with the hosts: the sensitive values of {}",
                    listed(&addresses)
                ),
            };
            warning.detail = format!("{}\n{what}", warning.detail).trim_start().to_owned();
            warnings.push(warning);
        }
        warnings.extend(self.other_recipients().map(Diagnostic::as_warning));
        warnings
    }

    /// Whether nothing that is encrypted can be read here.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.access, Access::Closed(_))
    }

    /// Refuses to apply what cannot be decrypted here, or would be encrypted to others than the config names.
    pub(crate) fn check(&self, session: &Session, plan: &Plan) -> Result<(), Failure> {
        let needed: Vec<&str> = plan
            .changes
            .iter()
            .filter(|change| needs_a_value(change) || plan.uncompared.contains(&change.address))
            .map(|change| change.address.as_str())
            .collect();
        match &self.access {
            Access::Closed(reason) if !needed.is_empty() => {
                let why = format!("what is planned cannot be done without them: {}", listed(&needed));
                let mut error = (**reason).clone();
                error.detail = format!("{}\n{why}", error.detail).trim_start().to_owned();
                Err(error.into())
            }
            Access::New(_) if has_sensitive_values(plan) => match &self.recipients {
                Some(recipients) => check_own(session, recipients),
                None => Ok(()),
            },
            _ => match self.other_recipients() {
                Some(error) => Err(error.into()),
                None => Ok(()),
            },
        }
    }

    /// What is wrong where the config names other recipients than the state is encrypted to.
    fn other_recipients(&self) -> Option<Diagnostic> {
        let Access::Open(vault) = &self.access else { return None };
        let now = vault.recipients().as_slice();
        let wanted = match (&self.recipients, &self.own) {
            (Some(recipients), _) => recipients.as_slice(),
            // A key that was added to the identity's file since needs nothing.
            (None, Some(own)) if now.iter().any(|one| !own.contains(one)) => own,
            (None, _) => return None,
        };
        let only = |these: &[String], those: &[String], word: &str| {
            let these: Vec<&str> = these.iter().filter(|one| !those.contains(one)).map(String::as_str).collect();
            (!these.is_empty()).then(|| format!("{word}: {}", these.join(", ")))
        };
        let differences: Vec<String> =
            [only(wanted, now, "to be added"), only(now, wanted, "to be removed")].into_iter().flatten().collect();
        (!differences.is_empty()).then(|| {
            Diagnostic::error("the state is encrypted to other recipients than the config names")
                .detail(differences.join("\n"))
                .help("name them under `encryption.recipients`, or run `hactl state reencrypt`, which changes nothing on hosts")
        })
    }

    /// The vault that a run writes with; none where it has nothing to encrypt. Where there is none yet it is made, and
    /// so is the user's identity, where the config names no recipients: that is then told by `say`.
    ///
    /// # Errors
    /// When an identity cannot be made, or the user could not read what would be written.
    pub(crate) fn vault(
        &mut self,
        session: &Session,
        plan: &Plan,
        say: impl FnOnce(&str),
    ) -> Result<Option<Vault>, Failure> {
        self.vault_where(session, has_sensitive_values(plan), say)
    }

    /// The vault that a run writes with, where it is `needed`; else only one that there is already.
    ///
    /// # Errors
    /// As [`Keyring::vault`].
    pub(crate) fn vault_where(
        &mut self,
        session: &Session,
        needed: bool,
        say: impl FnOnce(&str),
    ) -> Result<Option<Vault>, Failure> {
        match &self.access {
            Access::Open(vault) => Ok(Some((**vault).clone())),
            Access::New(key) if needed => {
                let recipients = first_recipients(session, self.recipients.as_ref(), say)?;
                let vault = Vault::new(recipients, key.clone()).map_err(Diagnostic::from)?;
                self.access = Access::Open(Box::new(vault.clone()));
                Ok(Some(vault))
            }
            Access::New(_) | Access::Closed(_) => Ok(None),
        }
    }
}

/// Whether nobody here can open a state in which nothing is sealed that is still in use: then the next secrets are
/// encrypted anew, to those who are recipients now.
fn is_given_up(state: &State, header: &Encryption, identities: Option<&Identities>) -> bool {
    let sealed = |known: &ResourceState| known.spec.is_sensitive() || known.outputs.values().any(Value::is_sensitive);
    let begun = state.unfinished.values().filter_map(|intent| intent.resource.as_ref());
    let in_use = state.resources.values().chain(begun).any(sealed);
    let own = identities.map_or(&[][..], Identities::recipients);
    state.encryption.as_ref() == Some(header) && !in_use && !own.iter().any(|own| header.recipients.contains(own))
}

/// Whether something in a state can be opened by somebody.
fn holds_ciphertext(state: &State) -> bool {
    let is_encrypted = |value: &Value| matches!(value, Value::Sealed(sealed) if sealed.ciphertext.is_some());
    let outputs = state.resources.values().flat_map(|known| known.outputs.values());
    outputs.chain(state.variables.values()).chain(state.outputs.values()).any(is_encrypted)
}

/// Opens one value of a state that was applied.
///
/// # Errors
/// When this user cannot decrypt it, or it was altered.
pub(crate) fn reveal(
    session: &Session,
    state: &State,
    label: &str,
    sealed: &Sealed,
) -> Result<Sensitive<Value>, Failure> {
    let header = state.encryption.as_ref().ok_or_else(|| {
        Diagnostic::error("the value was never kept, only its digest")
            .help("apply once more with this version of hactl")
    })?;
    unseal(session, header, label, sealed)
}

/// Opens one value that is encrypted as a header says.
///
/// # Errors
/// As [`reveal`].
pub(crate) fn unseal(
    session: &Session,
    header: &Encryption,
    label: &str,
    sealed: &Sealed,
) -> Result<Sensitive<Value>, Failure> {
    let identities = identities(session, Some(header))?;
    let vault = Vault::open(header, &identities).map_err(Diagnostic::from)?;
    Ok(vault.unseal(label, sealed, &identities).map_err(Diagnostic::from)?)
}

/// What this user decrypts with what is encrypted as a header says.
///
/// # Errors
/// When there is no identity, or it cannot be used.
pub(crate) fn identities(session: &Session, header: Option<&Encryption>) -> Result<Identities, Failure> {
    let place = session.identity_path()?;
    let found = Identities::load(&place).map_err(Diagnostic::from)?;
    Ok(found.ok_or_else(|| no_identity(&place.path, header))?)
}

/// The user alone as recipients.
pub(crate) fn recipients_alone(identities: &Identities) -> Result<Recipients, Failure> {
    let parsed = Recipients::parse(identities.recipients());
    Ok(parsed.map_err(|errors| errors.into_iter().map(Diagnostic::from).collect::<Vec<_>>())?)
}

/// The recipients that a config names. The sandbox has its own.
pub(crate) fn recipients_of(session: &Session, config: &Config) -> Result<Option<Recipients>, Failure> {
    let Some(encryption) = &config.encryption else { return Ok(None) };
    let texts: Vec<String> = encryption.recipients.iter().map(|recipient| recipient.text.clone()).collect();
    let parsed = Recipients::parse(&texts).map_err(|errors| {
        let diagnostics = errors.into_iter().map(|error| {
            let place =
                encryption.recipients.get(error.position - 1).map_or(encryption.span, |recipient| recipient.span);
            Diagnostic::from(error).at(place)
        });
        Failure::of(&config.sources, diagnostics.collect())
    })?;
    Ok((!session.is_sandbox()).then_some(parsed))
}

/// Those that a stack's first secrets are encrypted to: as the config says, or this user alone.
fn first_recipients(
    session: &Session,
    configured: Option<&Recipients>,
    say: impl FnOnce(&str),
) -> Result<Recipients, Failure> {
    if let Some(recipients) = configured {
        check_own(session, recipients)?;
        return Ok(recipients.clone());
    }
    let place = session.identity_path()?;
    let (identities, made) = own_identity(&place)?;
    if made && !session.is_sandbox() {
        say(&made_identity(&identities));
    }
    recipients_alone(&identities)
}

/// Refuses recipients among which the user is not.
fn check_own(session: &Session, recipients: &Recipients) -> Result<(), Failure> {
    let place = session.identity_path()?;
    let own = Identities::load(&place).map_err(Diagnostic::from)?;
    let own = own.as_ref().map_or(&[][..], Identities::recipients);
    if own.iter().any(|own| recipients.as_slice().contains(own)) {
        return Ok(());
    }
    let yours = match own {
        [] => format!("there is no identity in {}", place.path.display()),
        [..] => format!("yours: {}", own.join(", ")),
    };
    Err(Diagnostic::error("none of the recipients in `encryption` is you: you could not read what you write")
        .detail(yours)
        .help(
            "add your public key to `encryption.recipients`, or name the right identity in HACTL_AGE_IDENTITY; \
             `hactl init` makes one",
        )
        .into())
}

/// The user's identity, which is made where there is none; and whether it was made now.
fn own_identity(place: &IdentityPath) -> Result<(Identities, bool), Failure> {
    if place.named {
        let found = Identities::load(place).map_err(Diagnostic::from)?;
        return found.map(|found| (found, false)).ok_or_else(|| Diagnostic::error("there is no identity").into());
    }
    Ok(Identities::create(&place.path).map_err(Diagnostic::from)?)
}

/// What is said of an identity that was just made.
pub(crate) fn made_identity(identities: &Identities) -> String {
    format!(
        "Made your identity {}: with it, and only with it, you can decrypt the secrets in your states. Keep a copy in a \
         safe place. Its public key, for `encryption.recipients`:\n  {}\n",
        identities.path().display(),
        identities.recipients().join("\n  ")
    )
}

/// The sensitive outputs of all resources of a state, by address and name.
fn entries(state: &State, vault: &Vault, identities: &Identities) -> Result<BTreeMap<Address, Entries>, Failure> {
    let mut found: BTreeMap<Address, Entries> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for (address, resource) in &state.resources {
        for (name, output) in &resource.outputs {
            let Value::Sealed(sealed) = output else { continue };
            match vault.unseal(&label::resource_output(address, name), sealed, identities) {
                Ok(value) => {
                    found.entry(address.clone()).or_default().insert(name.clone(), value);
                }
                Err(error) => diagnostics.push(Diagnostic::from(error)),
            }
        }
    }
    let whole = diagnostics.is_empty();
    let secrets = state.resources.iter().filter(|(address, known)| address.primitive() == "secret" && !known.lost);
    for (address, known) in secrets.filter(|_| whole) {
        let none = Entries::new();
        let flaw = hactl_kinds::flaw_of_secret(known, found.get(address).unwrap_or(&none));
        diagnostics.extend(flaw.map(|flaw| {
            Diagnostic::error(format!("{address} was altered in the state: {flaw}"))
                .help("get the state file back from git; hactl alone writes it")
        }));
    }
    if diagnostics.is_empty() { Ok(found) } else { Err(diagnostics.into()) }
}

/// Says that there is nothing to decrypt with.
fn no_identity(path: &Path, header: Option<&Encryption>) -> Diagnostic {
    let recipients = header.map(|header| header.recipients.join(", "));
    Diagnostic::error(format!("the state's secrets cannot be decrypted: there is no identity in {}", path.display()))
        .detail(recipients.map(|recipients| format!("it is encrypted to {recipients}")).unwrap_or_default())
        .help(
            "name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their \
               holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity",
        )
}

/// Whether a change cannot be carried out without the value of something sensitive.
fn needs_a_value(change: &Change) -> bool {
    let makes = matches!(change.action, Action::Create | Action::Update | Action::Replace) || change.record;
    makes && is_sensitive(change)
}

/// Whether something sensitive is wanted.
fn is_sensitive(change: &Change) -> bool {
    change.address.primitive() == "secret" || change.after.as_ref().is_some_and(|after| after.is_sensitive())
}

/// Whether state will hold something sensitive of what a plan is about.
fn has_sensitive_values(plan: &Plan) -> bool {
    plan.variables.values().any(Value::is_sensitive)
        || plan.outputs.values().filter_map(|output| output.after.as_ref()).any(Value::is_sensitive)
        || plan.changes.iter().any(is_sensitive)
}

/// Whether a plan has sensitive expressions at all, those of logins to registries included, which no state holds.
pub(crate) fn has_sensitive_expressions(plan: &Plan) -> bool {
    !plan.registries.is_empty() || has_sensitive_values(plan)
}

/// Names, the first few of them.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 5;
    match names.len() {
        0..=MOST => names.join(", "),
        count => format!("{} and {} more", names[..MOST].join(", "), count - MOST),
    }
}
