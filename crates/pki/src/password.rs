//! Passwords and tokens, and how strong they are.

use std::collections::BTreeSet;

use hactl_core::sensitive::Sensitive;
use rand_core::RngCore as _;
use zeroize::Zeroizing;

use crate::Entropy;

/// Letters and digits: nothing that a shell, a URL, YAML or a connection string gives a meaning to.
pub const DEFAULT_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random bytes of a token when none are asked for.
pub const DEFAULT_TOKEN_BYTES: usize = 32;

/// The least strength of a password, in bits.
pub const MINIMUM_BITS: f64 = 64.0;

/// The fewest random bytes of a token.
pub const MINIMUM_TOKEN_BYTES: usize = 16;

/// The longest password, in characters, and token, in bytes.
pub const MAXIMUM_LENGTH: usize = 4096;

/// Why a password or token is not made as asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Weak {
    /// With one character or none, there is one password.
    #[error(
        "the alphabet has {distinct} distinct characters, at least 2 are needed; leave it out for letters and digits"
    )]
    TooFewCharacters {
        /// How many there are; a character that is written twice counts once.
        distinct: usize,
    },
    /// A character that no one can type, and that ends lines in files.
    #[error("the alphabet holds the control character U+{character:04X}; take it out")]
    ControlCharacter {
        /// Its code point.
        character: u32,
    },
    /// Few enough passwords to try them all.
    #[error(
        "{length} characters out of {distinct} give {bits:.0} bits, at least {MINIMUM_BITS:.0} are needed; \
         a length of {enough} would do"
    )]
    TooFewBits {
        /// Characters asked for.
        length: usize,
        /// Distinct characters in the alphabet.
        distinct: usize,
        /// What they give, rounded down.
        bits: f64,
        /// The shortest length that does with this alphabet.
        enough: usize,
    },
    /// Longer than anything takes.
    #[error("a length of {length} is more than the {MAXIMUM_LENGTH} that are possible")]
    TooLong {
        /// The length asked for.
        length: usize,
    },
    /// A token that could be guessed.
    #[error(
        "a token of {bytes} bytes is short, at least {MINIMUM_TOKEN_BYTES} are needed; {DEFAULT_TOKEN_BYTES} are usual"
    )]
    ShortToken {
        /// Bytes asked for.
        bytes: usize,
    },
}

/// Makes a password of `length` characters, each drawn from the distinct characters of `alphabet`, all equally likely.
///
/// # Errors
/// As [`check_alphabet`].
pub fn password(length: usize, alphabet: &str, entropy: &mut Entropy) -> Result<Sensitive<String>, Weak> {
    check_alphabet(length, alphabet)?;
    let characters: Vec<char> = distinct(alphabet).into_iter().collect();
    let count = u32::try_from(characters.len()).unwrap_or(u32::MAX);
    // The whole capacity at once: growing would leave copies behind.
    let mut password = String::with_capacity(length * 4);
    password.extend((0..length).filter_map(|_| characters.get(entropy.below(count) as usize)));
    Ok(Sensitive::new(password))
}

/// Tells whether passwords of this length out of this alphabet cannot be guessed.
///
/// # Errors
/// Fewer than 2 distinct characters, control characters, fewer than [`MINIMUM_BITS`] bits (with the length that would
/// do), or longer than [`MAXIMUM_LENGTH`].
pub fn check_alphabet(length: usize, alphabet: &str) -> Result<(), Weak> {
    let characters = distinct(alphabet);
    if let Some(control) = characters.iter().find(|character| character.is_control()) {
        return Err(Weak::ControlCharacter { character: u32::from(*control) });
    }
    let distinct = characters.len();
    if distinct < 2 {
        return Err(Weak::TooFewCharacters { distinct });
    }
    if length > MAXIMUM_LENGTH {
        return Err(Weak::TooLong { length });
    }
    let bits_each = (distinct as f64).log2();
    // Sixteen of sixteen are 64 bits exactly; a logarithm may fall short of that by a rounding error.
    let bits = length as f64 * bits_each + 1e-9;
    if bits < MINIMUM_BITS {
        let enough = (MINIMUM_BITS / bits_each - 1e-9).ceil() as usize;
        return Err(Weak::TooFewBits { length, distinct, bits: bits.floor(), enough });
    }
    Ok(())
}

/// Makes a token: `bytes` random bytes as lower-case hexadecimal digits, two for each.
///
/// # Errors
/// Fewer than [`MINIMUM_TOKEN_BYTES`] or more than [`MAXIMUM_LENGTH`].
pub fn token(bytes: usize, entropy: &mut Entropy) -> Result<Sensitive<String>, Weak> {
    if bytes < MINIMUM_TOKEN_BYTES {
        return Err(Weak::ShortToken { bytes });
    }
    if bytes > MAXIMUM_LENGTH {
        return Err(Weak::TooLong { length: bytes });
    }
    let mut random = Zeroizing::new(vec![0u8; bytes]);
    entropy.fill_bytes(&mut random);
    let mut token = String::with_capacity(bytes * 2);
    token.extend(
        random
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|half| char::from(b"0123456789abcdef"[usize::from(half)])),
    );
    Ok(Sensitive::new(token))
}

fn distinct(alphabet: &str) -> BTreeSet<char> {
    alphabet.chars().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weak_passwords_are_refused_with_what_would_do() {
        let refused = |length, alphabet| check_alphabet(length, alphabet).unwrap_err().to_string();
        insta::assert_snapshot!(refused(12, "0123456789"), @"12 characters out of 10 give 39 bits, at least 64 are needed; a length of 20 would do");
        insta::assert_snapshot!(refused(30, "aaaaaaaaaaabbbbbbbbbbbbb"), @"30 characters out of 2 give 30 bits, at least 64 are needed; a length of 64 would do");
        insta::assert_snapshot!(refused(0, DEFAULT_ALPHABET), @"0 characters out of 62 give 0 bits, at least 64 are needed; a length of 11 would do");
        insta::assert_snapshot!(refused(99, "aaaa"), @"the alphabet has 1 distinct characters, at least 2 are needed; leave it out for letters and digits");
        insta::assert_snapshot!(refused(99, ""), @"the alphabet has 0 distinct characters, at least 2 are needed; leave it out for letters and digits");
        insta::assert_snapshot!(refused(99, "abc\n"), @"the alphabet holds the control character U+000A; take it out");
        insta::assert_snapshot!(refused(usize::MAX, "ab"), @"a length of 18446744073709551615 is more than the 4096 that are possible");
        insta::assert_snapshot!(token(8, &mut Entropy::system()).unwrap_err(), @"a token of 8 bytes is short, at least 16 are needed; 32 are usual");
        check_alphabet(16, "0123456789abcdef").unwrap();
        check_alphabet(64, "ab").unwrap();
    }

    #[test]
    fn a_character_that_is_written_twice_is_no_more_likely() {
        let mut entropy = Entropy::seeded([3; 32]);
        let password = password(4096, "aaaaaaab", &mut entropy).unwrap();
        let count = password.expose().matches('b').count();
        assert!((1_900..2_200).contains(&count), "{count}");
    }

    #[test]
    fn a_token_is_lower_case_hexadecimal() {
        let token = token(DEFAULT_TOKEN_BYTES, &mut Entropy::seeded([4; 32])).unwrap();
        assert_eq!(token.expose().len(), 64);
        assert!(token.expose().chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')));
    }

    proptest! {
        #[test]
        fn the_length_that_would_do_does(alphabet in "\\PC{2,80}", length in 0usize..80) {
            if let Err(Weak::TooFewBits { enough, .. }) = check_alphabet(length, &alphabet) {
                prop_assert!(enough > length);
                prop_assert_eq!(check_alphabet(enough, &alphabet), Ok(()));
                prop_assert!(check_alphabet(enough - 1, &alphabet).is_err());
            }
        }

        #[test]
        fn a_password_has_its_length_and_alphabet(alphabet in "\\PC{2,80}", length in 64usize..100, seed: [u8; 32]) {
            if let Ok(password) = password(length, &alphabet, &mut Entropy::seeded(seed)) {
                prop_assert_eq!(password.expose().chars().count(), length);
                prop_assert!(password.expose().chars().all(|character| alphabet.contains(character)));
            }
        }
    }
}
