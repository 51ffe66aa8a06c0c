//! Which certificate of a file is the one that matters, which are behind it, and in which order.

use crate::Mistake;
use crate::certificate::{Parsed, common_name_or_subject, is_issuer, shown, signed_by};
use crate::key::PrivateKey;

/// The certificates of a file by their places in it, from 0.
pub(super) struct Chain {
    /// The certificate itself.
    pub(super) leaf: usize,
    /// The certificate, then each that signed one before it.
    pub(super) links: Vec<usize>,
}

impl Chain {
    /// Sorts a file's certificates. The one that matters has signed no other; of several such, the one that the key
    /// belongs to.
    pub(super) fn of(certificates: &[Parsed<'_>], key: Option<&PrivateKey>) -> Self {
        let belongs = |parsed: &Parsed<'_>| key.and_then(|key| key.belongs_to(parsed.x509.public_key())) == Some(true);
        let signed_none = |index: usize| {
            let parsed = &certificates[index];
            let mut others = certificates.iter().enumerate().filter(|(other, _)| *other != index);
            !others.any(|(_, other)| is_issuer(&parsed.x509, &other.x509))
        };
        let candidates: Vec<usize> = (0..certificates.len()).filter(|index| signed_none(*index)).collect();
        let of_key = candidates.iter().find(|index| belongs(&certificates[**index]));
        let leaf = *of_key.or(candidates.first()).unwrap_or(&0);
        let mut links = vec![leaf];
        let mut next = 0;
        while let Some(child) = links.get(next).and_then(|index| certificates.get(*index)) {
            for (index, parent) in certificates.iter().enumerate() {
                if !links.contains(&index) && is_issuer(&parent.x509, &child.x509) {
                    links.push(index);
                }
            }
            next += 1;
        }
        Self { leaf, links }
    }

    /// What is wrong with the order, and with certificates that belong to another chain.
    pub(super) fn mistakes(&self, certificates: &[Parsed<'_>]) -> Vec<Mistake> {
        let mut mistakes: Vec<_> = certificates
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.links.contains(index))
            .map(|(index, stranger)| self.stranger(index, stranger, certificates))
            .collect();
        if !self.is_in_order(certificates) {
            let order: Vec<String> = self.links.iter().map(|index| named(*index, certificates)).collect();
            let leaf = named(self.leaf, certificates);
            mistakes.push(Mistake::new(
                "the certificates are in the wrong order: the server's own comes first, then each issuer",
                format!("The server's own is {leaf}. The right order is: {}.", order.join(", then ")),
            ));
        }
        mistakes
    }

    /// Each must have signed one before it: cross certificates stand beside the authority whose key they hold.
    fn is_in_order(&self, certificates: &[Parsed<'_>]) -> bool {
        let mut places = self.links.clone();
        places.sort_unstable();
        let has_signed = |parent: usize, child: usize| is_issuer(&certificates[parent].x509, &certificates[child].x509);
        places.first() == Some(&self.leaf)
            && (1..places.len()).all(|at| places[..at].iter().any(|child| has_signed(places[at], *child)))
    }

    fn stranger(&self, index: usize, stranger: &Parsed<'_>, certificates: &[Parsed<'_>]) -> Mistake {
        let links = self.links.iter().filter_map(|link| certificates.get(*link));
        let namesake = links.clone().find(|link| {
            link.x509.issuer().as_raw() == stranger.x509.subject().as_raw()
                && signed_by(&link.x509, &stranger.x509) == Some(false)
        });
        let top = self.links.last().map(|link| &certificates[*link]);
        let help = match (namesake, top) {
            (Some(link), _) => format!(
                "It has the name of the issuer of `{}`, but another key: it is an older or newer CA of that name. \
                 Put the one there that signed it.",
                common_name_or_subject(&link.x509)
            ),
            (None, Some(top)) if top.x509.issuer().as_raw() != top.x509.subject().as_raw() => format!(
                "The chain ends with `{}`, signed by `{}`: put the certificate of that CA next, or take this one out.",
                common_name_or_subject(&top.x509),
                shown(top.x509.issuer())
            ),
            _ => "Take it out; the chain is complete without it.".to_owned(),
        };
        Mistake::new(format!("{} did not sign any certificate before it", named(index, certificates)), help)
    }
}

/// ``block 2 `Example CA` (line 31)``.
fn named(index: usize, certificates: &[Parsed<'_>]) -> String {
    let parsed = &certificates[index];
    format!("block {} `{}` (line {})", index + 1, common_name_or_subject(&parsed.x509), parsed.line)
}
