//! Decodes a file's bytes as text.

/// Decodes a UTF-8 file, without the byte order mark that Windows tools write.
///
/// # Errors
///
/// Says what the file is instead, if its format is recognised.
pub fn decode(file: &[u8]) -> Result<&str, &'static str> {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    match text {
        [0x1f, 0x8b, ..] => Err("compressed with gzip; decompress it with `gunzip` first"),
        [b'P', b'K', 3, 4, ..] => Err("a ZIP archive; unpack it first"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..] => {
            Err("UTF-16 text, as PowerShell's `>` writes it; write it as UTF-8, for example with \
                 `Out-File -Encoding utf8`")
        }
        _ => std::str::from_utf8(text).map_err(|_| "not UTF-8 text"),
    }
}
