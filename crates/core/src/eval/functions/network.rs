//! Functions on network prefixes in CIDR notation (RFC 4632, RFC 4291), for IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::wording::brief;
use super::{Call, EvalError};
use crate::value::Value;

pub(super) fn cidrhost(call: &Call<'_>) -> Result<Value, EvalError> {
    let (prefix, number) = (Prefix::argument(call)?, i128::from(call.whole(1)?));
    let host_bits = prefix.width() - prefix.length;
    // A negative number counts from the end of the network.
    let wanted = if number < 0 { number.unsigned_abs() - 1 } else { number.unsigned_abs() };
    if bits(wanted) > host_bits {
        return Err(call.error(format!("finds no host {number} in a prefix of length {}", prefix.length)));
    }
    let host = if number < 0 { low_bits(host_bits) - wanted } else { wanted };
    Ok(Value::from(prefix.address(prefix.network | host).to_string()))
}

pub(super) fn cidrsubnet(call: &Call<'_>) -> Result<Value, EvalError> {
    let prefix = Prefix::argument(call)?;
    let new_bits = call.size(1, 128)?;
    let number = u128::try_from(call.whole(2)?).map_err(|_| call.error("needs a subnet number of 0 or more"))?;
    let room = prefix.width() - prefix.length;
    let new_bits = u32::try_from(new_bits)
        .ok()
        .filter(|new_bits| *new_bits <= room)
        .ok_or_else(|| call.error(format!("cannot add {new_bits} bits to a prefix of length {}", prefix.length)))?;
    if bits(number) > new_bits {
        return Err(call.error(format!("finds no subnet {number} in {new_bits} bits")));
    }
    let shift = room - new_bits;
    // A shift by all 128 bits happens only for ::/0 with no new bits: then the number is 0.
    let network = prefix.network | number.checked_shl(shift).unwrap_or(0);
    Ok(Value::from(format!("{}/{}", prefix.address(network), prefix.length + new_bits)))
}

pub(super) fn cidrnetmask(call: &Call<'_>) -> Result<Value, EvalError> {
    let prefix = Prefix::argument(call)?;
    if !prefix.v4 {
        return Err(call.error("is for IPv4: IPv6 has no netmasks"));
    }
    let mask = low_bits(32) - low_bits(32 - prefix.length);
    Ok(Value::from(prefix.address(mask).to_string()))
}

/// A network prefix; its host bits are zero.
struct Prefix {
    v4: bool,
    network: u128,
    length: u32,
}

impl Prefix {
    fn argument(call: &Call<'_>) -> Result<Self, EvalError> {
        let text = call.text(0)?;
        Self::parse(&text).ok_or_else(|| {
            call.error(format!("cannot read {:?} as a network prefix", brief(&text)))
                .help("write it as in 10.0.0.0/16 or fd00::/48")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        if !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length: u32 = length.parse().ok()?;
        let (v4, address) = match address.parse().ok()? {
            IpAddr::V4(address) => (true, u128::from(address.to_bits())),
            IpAddr::V6(address) => (false, address.to_bits()),
        };
        let mut prefix = Self { v4, network: 0, length };
        let host_bits = prefix.width().checked_sub(length)?;
        prefix.network = address & !low_bits(host_bits);
        Some(prefix)
    }

    fn width(&self) -> u32 {
        if self.v4 { 32 } else { 128 }
    }

    fn address(&self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if self.v4 => IpAddr::V4(Ipv4Addr::from_bits(bits)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        }
    }
}

/// How many bits a number needs.
fn bits(number: u128) -> u32 {
    u128::BITS - number.leading_zeros()
}

/// A number with so many low bits set.
fn low_bits(count: u32) -> u128 {
    u128::MAX.checked_shr(u128::BITS - count).unwrap_or(0)
}
