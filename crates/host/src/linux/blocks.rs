//! Blocks in text files of others: the text is fetched, edited here, and replaced on the host unless somebody else was
//! faster. So scripts need not edit bytes that may be anything, and the sandbox edits by the same function.

#[cfg(test)]
mod tests;

use crate::linux::files::{self, Call, Place, failure};
use crate::linux::host::Link;
use crate::{BlockRemoval, BlockWrite, Claim, HostError, Moved, SurveyRequest, normal_path, with_block_of};

/// How often a text is looked at that others change meanwhile.
const TRIES: usize = 20;

/// # Errors
/// Those of [`crate::Host::write_block`].
pub(crate) async fn write(link: &Link, write: &BlockWrite) -> Result<(), HostError> {
    let BlockWrite { path, lineage, address, .. } = write;
    let place = Place { operation: "write", path, lineage, address, stays: true };
    change(link, &place, |text| write.put_into(text)).await
}

/// # Errors
/// Those of [`crate::Host::remove_block`].
pub(crate) async fn remove(link: &Link, removal: &BlockRemoval) -> Result<(), HostError> {
    let BlockRemoval { path, lineage, address, .. } = removal;
    let place = Place { operation: "change", path, lineage, address, stays: false };
    change(link, &place, |text| Ok(removal.take_from(text))).await
}

/// Claims a host, and has the blocks that have another address by now name it.
///
/// # Errors
/// Those of [`crate::Host::claim`].
pub(crate) async fn claim(link: &Link, claim: &Claim) -> Result<(), HostError> {
    link.call(files::claim(link.root(), claim), claim.parent_serial).await?;
    for Moved { from, to, block } in &claim.moves {
        let Some(path) = block else { continue };
        let lineage = &claim.lineage;
        let place = Place { operation: "change", path, lineage, address: to, stays: true };
        change(link, &place, |text| Ok(with_block_of(text, lineage, from, to))).await?;
    }
    Ok(())
}

async fn change(
    link: &Link,
    place: &Place<'_>,
    edit: impl Fn(&[u8]) -> Result<Vec<u8>, &'static str>,
) -> Result<(), HostError> {
    let fail = |reason: &str| failure(place.operation, place.path, reason);
    let path = normal_path(place.path).map_err(fail)?;
    let texts = vec![path.clone()];
    let request = SurveyRequest { lineage: place.lineage.to_owned(), texts, ..SurveyRequest::default() };
    let _alone = link.text.lock().await;
    for _ in 0..TRIES {
        let seen = link.look(&request).await?.texts.remove(&path);
        let before = seen.as_deref().unwrap_or_default();
        let after = edit(before).map_err(fail)?;
        if after.len() > BlockWrite::MAX_TEXT {
            return Err(fail(BlockWrite::TOO_LARGE));
        }
        let new = (after != before).then_some(after);
        let call = files::replace(link.root(), &Place { path: &path, ..*place }, seen.as_deref(), new);
        let output = link.run(&call).await?;
        if !Call::is_outdated(&output) {
            return call.read(&output, 0);
        }
    }
    Err(fail("others keep changing it"))
}
