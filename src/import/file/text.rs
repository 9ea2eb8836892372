//! A file's bytes as text.

/// The text of a file in UTF-8, without the byte order mark that Windows' own tools write.
///
/// # Errors
///
/// Names what the file is instead, where that can be told.
pub fn decode(file: &[u8]) -> Result<&str, &'static str> {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    match text {
        [0x1f, 0x8b, ..] => Err("compressed with gzip; decompress it first, with `gunzip`"),
        [b'P', b'K', 3, 4, ..] => Err("a ZIP archive; unpack it first"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..] => {
            Err("in UTF-16, as PowerShell's `>` writes it; write it in UTF-8, for example with \
                 `Out-File -Encoding utf8`")
        }
        _ => std::str::from_utf8(text).map_err(|_| "not text in UTF-8"),
    }
}
