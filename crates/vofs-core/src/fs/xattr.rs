//! Extended attributes: `user.vos.<key>` is the property `<key>` of the node. There are no others.
//!
//! The service trims the ends of a value, so a value that would come back changed is refused.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::inode::Ino;
use crate::meta::{Kind, Meta};
use crate::path::NodePath;
use crate::remote::Property;
use crate::upload::Wish;

/// What the names of all attributes begin with.
const PREFIX: &str = "user.vos.";

/// Longest name that Linux has, in bytes.
const LONGEST_NAME: usize = 255;

/// Whether an attribute has to be there, or must not be, before it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetXattr {
    /// Either way.
    Any,
    /// It must not exist.
    Create,
    /// It must exist.
    Replace,
}

impl Engine {
    /// What needs no question: no attribute but a property is ever there. The kernel asks for `security.capability` at
    /// writes, and programs for labels and access lists at every file, until they are told that there is no such thing here:
    /// `ls -l` asks twice for the first file, or twice for each.
    pub fn getxattr_now(&self, name: &str) -> Option<Result<Vec<u8>>> {
        let path = NodePath::root();
        match name {
            _ if name.starts_with(PREFIX) => None,
            _ if name.starts_with("user.") => Some(Err(Error::NoAttribute(path))),
            _ => Some(Err(Error::Unsupported { path, cause: format!("{name}: only {PREFIX}… exist here") })),
        }
    }

    /// The value of an attribute.
    ///
    /// # Errors
    /// [`Error::NoAttribute`]; what the service said.
    pub async fn getxattr(self: &Arc<Self>, ino: Ino, name: &str) -> Result<Vec<u8>> {
        let path = self.path(ino)?;
        let properties = self.properties(&path).await?;
        let found = name.strip_prefix(PREFIX).and_then(|key| find(&properties, key));
        found.map(|property| property.value.clone().into_bytes()).ok_or(Error::NoAttribute(path))
    }

    /// The names of all attributes, each with a NUL behind it.
    ///
    /// # Errors
    /// What the service said.
    pub async fn listxattr(self: &Arc<Self>, ino: Ino) -> Result<Vec<u8>> {
        let path = self.path(ino)?;
        let swept = if self.has_no_properties(&path) { None } else { self.swept_keys(&path).await };
        let keys: Vec<String> = match swept {
            Some(keys) => keys.to_vec(),
            None => self.properties(&path).await?.iter().map(|property| property.key.clone()).collect(),
        };
        let names = keys.iter().map(|key| format!("{PREFIX}{key}\0"));
        Ok(names.filter(|name| name.len() <= LONGEST_NAME).collect::<String>().into_bytes())
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for any that is no property; [`Error::NotPermitted`] for one that belongs to the service;
    /// [`Error::Invalid`] for a value that no service keeps as it is; [`Error::TooLarge`]; what the service said.
    pub async fn setxattr(self: &Arc<Self>, ino: Ino, name: &str, value: &[u8], how: SetXattr) -> Result<()> {
        let path = self.path(ino)?;
        let key = self.changeable(&path, name)?;
        let invalid = |cause: &str| Error::Invalid { path: path.clone(), cause: format!("{name}: {cause}") };
        let text = std::str::from_utf8(value).map_err(|_| invalid("a property is text in UTF-8"))?;
        if text.trim() != text {
            return Err(invalid("a service drops blanks at the ends of a property"));
        }
        if text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t') {
            return Err(invalid("a property holds no control characters"));
        }
        self.change_property(&path, key, Some(text), how).await
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// [`Error::NoAttribute`], and as [`Engine::setxattr`].
    pub async fn removexattr(self: &Arc<Self>, ino: Ino, name: &str) -> Result<()> {
        let path = self.path(ino)?;
        let key = self.changeable(&path, name)?;
        self.change_property(&path, key, None, SetXattr::Replace).await
    }

    fn changeable<'a>(&self, path: &NodePath, name: &'a str) -> Result<&'a str> {
        self.check_writable(path)?;
        name.strip_prefix(PREFIX).filter(|key| !key.is_empty()).ok_or_else(|| Error::Unsupported {
            path: path.clone(),
            cause: format!("{name}: a VOSpace keeps properties only; call it {PREFIX}…"),
        })
    }

    async fn change_property(
        self: &Arc<Self>,
        path: &NodePath,
        key: &str,
        value: Option<&str>,
        how: SetXattr,
    ) -> Result<()> {
        let meta = self.on_service(path).await?.ok_or_else(|| Error::Unsupported {
            path: path.clone(),
            cause: "the service does not have it, so it has no properties there".into(),
        })?;
        self.properties_change();
        let there = self.properties(path).await?;
        match (find(&there, key), how) {
            (Some(_), SetXattr::Create) => return Err(Error::Exists(path.clone())),
            (None, SetXattr::Replace) => return Err(Error::NoAttribute(path.clone())),
            (Some(property), _) if property.read_only => {
                let cause = format!("the property {key} belongs to the service");
                return Err(Error::NotPermitted { path: path.clone(), cause });
            }
            (Some(property), _) if Some(property.value.as_str()) == value => return Ok(()),
            _ => {}
        }
        let changed = self.remote.set_property(path, &meta.kind, key, value).await;
        self.properties_change();
        changed?;
        // A Vault's listings lack what identifies the bytes until the node is asked for; modes may have changed; and a service may
        // have taken what it does not keep.
        let Ok((now, there)) = self.remote.stat_with_properties(path).await else { return Ok(()) };
        let is_kept = find(&there, key).is_some() == value.is_some();
        let now = self.names.record(path, now);
        self.properties.put(path, there, self.clock.now());
        if let Some(file) = self.files.get(path).filter(|_| now.is_file()) {
            file.state().access = now.access;
        }
        if is_kept {
            return Ok(());
        }
        let cause = format!("the service took the change of the property {key}, and does not keep it");
        tracing::warn!(%path, %cause, "attribute refused");
        Err(Error::Unsupported { path: path.clone(), cause })
    }

    async fn properties(self: &Arc<Self>, path: &NodePath) -> Result<Arc<Vec<Property>>> {
        if let Some(known) = self.properties.get(path, self.clock.now()) {
            return Ok(known);
        }
        if self.has_no_properties(path) {
            return Ok(Arc::default());
        }
        // A link has properties on some services only, and what is asked of it is asked of its target.
        if matches!(self.resolve(path).await?.kind, Kind::Link { .. }) {
            return Ok(Arc::default());
        }
        let properties = self.remote.properties(path).await?;
        Ok(self.properties.put(path, properties, self.clock.now()))
    }

    /// True for what the service does not have.
    fn has_no_properties(&self, path: &NodePath) -> bool {
        let unsent = self.files.get(path).is_some_and(|file| file.state().on_service.is_none());
        unsent || self.local.is_directory(path) || self.local.is_below_local(path)
    }

    /// What the service has at `path`; a file that it does not have yet is sent now. `None` for what stays here.
    async fn on_service(self: &Arc<Self>, path: &NodePath) -> Result<Option<Meta>> {
        if let Some(file) = self.files.get(path)
            && file.state().on_service.is_none()
        {
            self.flush_file(&file, Wish::Send).await?;
            if file.state().on_service.is_none() {
                return Ok(None);
            }
        }
        if self.local.is_directory(path) {
            return Ok(None);
        }
        self.resolve(path).await.map(Some)
    }
}

fn find<'a>(properties: &'a [Property], key: &str) -> Option<&'a Property> {
    properties.iter().find(|property| property.key == key)
}
