//! Bytes as hexadecimal digits, as keys, roots and names are shown.
//!
//! Deliberately absent: upper case; a byte string has one text, so that texts can be compared.

/// The digits, two for each byte.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes; `None` if the text is anything but their 64 digits.
#[must_use]
pub fn decode_32(text: &str) -> Option<[u8; 32]> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_64_and_nothing_else() {
        assert_eq!(decode_32(&"0f".repeat(32)), Some([15; 32]));
        for text in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"0F".repeat(32), "+f"] {
            assert_eq!(decode_32(text), None, "{text}");
        }
        assert_eq!(decode_32(&"ä".repeat(32)), None, "64 bytes, but no digits");
        assert_eq!(encode(&[0, 15, 255]), "000fff");
    }
}
