//! What containers print, as the engine sends it.

/// Takes apart the frames in which the engine mixes standard output and error: a header of 8 bytes, whose last four are
/// the length of what follows. They may be cut anywhere.
#[derive(Default)]
pub(super) struct Frames {
    header: Vec<u8>,
    left: usize,
}

impl Frames {
    const HEADER: usize = 8;

    /// Takes the next bytes of the stream and hands on what was printed.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut printed: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (header, rest) = bytes.split_at(bytes.len().min(Self::HEADER - self.header.len()));
                self.header.extend_from_slice(header);
                bytes = rest;
                if let [_, _, _, _, length @ ..] = self.header.as_slice()
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.left = u32::from_be_bytes(length) as usize;
                    self.header.clear();
                }
                continue;
            }
            let (content, rest) = bytes.split_at(bytes.len().min(self.left));
            self.left -= content.len();
            bytes = rest;
            printed(content);
        }
    }
}

/// The last bytes of a stream.
pub(super) struct Tail {
    limit: usize,
    bytes: Vec<u8>,
}

impl Tail {
    /// Keeps at most `limit` bytes.
    pub(super) fn of(limit: usize) -> Self {
        Self { limit, bytes: Vec::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Only now and then, so that it costs little per byte.
        if self.bytes.len() > 2 * self.limit {
            self.cut();
        }
    }

    /// As text; what is not UTF-8 is replaced.
    pub(super) fn text(mut self) -> String {
        self.cut();
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn cut(&mut self) {
        let excess = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..excess);
    }
}
