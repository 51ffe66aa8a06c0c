//! Blocks of lines that hactl keeps in text files of others, such as `/etc/hosts`.
//!
//! A block stands between two lines that name the stack's lineage and the resource; every byte outside of it stays as it
//! is. In a file whose last line does not end, a block stands before that line, so that taking it out again needs no
//! memory of what the end was. Real hosts and the sandbox edit by these functions alike.

use std::borrow::Cow;

use hactl_core::Address;

/// A block to be put into a file, in place of what is there of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockWrite {
    /// Absolute path of the file on the host; a link there is followed. Where there is no file, one of mode 0644 is made.
    pub path: String,
    /// The lines of the block, without their ends.
    pub lines: Vec<String>,
    /// The lines that state says the block has. In a block of which one end is missing, only these and the new ones are
    /// taken to be hactl's.
    pub former: Vec<String>,
    /// Whose inventory records the block.
    pub lineage: String,
    /// The resource it belongs to.
    pub address: Address,
}

/// A block to be taken out of a file. A file in which nothing else is stays, empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRemoval {
    /// Absolute path of the file on the host; a link there is followed.
    pub path: String,
    /// The lines that state says the block has.
    pub former: Vec<String>,
    /// Whose inventory records the block.
    pub lineage: String,
    /// The resource it belongs to.
    pub address: Address,
}

impl BlockWrite {
    /// The largest file, in bytes, in which blocks are kept.
    pub const MAX_TEXT: usize = 1024 * 1024;
    /// Why a larger file is refused.
    pub const TOO_LARGE: &'static str = "is larger than 1 MiB, too large to keep a block in it";
    /// Why a file is refused that something is mounted on.
    pub const MOUNTED: &'static str = "is a mount point, as in a container, and cannot be replaced by a new version";
    /// Why a file is refused that a resource has as a whole.
    pub const HELD: &'static str = "is managed as a whole, by a file resource of this or another stack";
    /// Why a file is refused whose directory is missing.
    pub const NO_DIRECTORY: &'static str = "its directory does not exist";

    /// The text with the block in it: where the first of it was, else at the end.
    ///
    /// # Errors
    /// As a clause, when a line cannot be one of a block.
    pub fn put_into(&self, text: &[u8]) -> Result<Vec<u8>, &'static str> {
        if self.lines.iter().any(|line| line.contains(['\n', '\r', '\0']) || Marker::parse(line).is_some()) {
            return Err("a line of the block holds a line break or looks like the begin or end of a block");
        }
        let known: Vec<&str> = self.lines.iter().chain(&self.former).map(String::as_str).collect();
        let (rest, place) = without(text, &self.lineage, &self.address, &known);
        let place = place.unwrap_or_else(|| rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        // An empty place before an unterminated line is the begin of that line, and the end of a text that ends well.
        let begin = Marker::text(&self.lineage, &self.address, Edge::Begin);
        let end = Marker::text(&self.lineage, &self.address, Edge::End);
        let lines = std::iter::once(&begin).chain(&self.lines).chain(std::iter::once(&end));
        let block: String = lines.flat_map(|line| [line.as_str(), "\n"]).collect();
        Ok([&rest[..place], block.as_bytes(), &rest[place..]].concat())
    }
}

impl BlockRemoval {
    /// The text without the block and what is left of damaged ones.
    pub fn take_from(&self, text: &[u8]) -> Vec<u8> {
        let known: Vec<&str> = self.former.iter().map(String::as_str).collect();
        without(text, &self.lineage, &self.address, &known).0
    }
}

/// What a text has of a block; none where not even one of its two ends is there.
///
/// These are the lines of the block where it stands there once and whole; else the ends are among them, so that they
/// differ from what any block can hold.
pub fn block_lines(text: &[u8], lineage: &str, address: &Address) -> Option<Vec<String>> {
    let lines = lines_of(text);
    let spans = spans(&lines, lineage, address, &[]);
    let shown = |lines: &[&[u8]]| lines.iter().map(|line| trimmed(line).into_owned()).collect();
    match &spans[..] {
        [] => None,
        [Span { from, to, whole: true }] => Some(shown(&lines[from + 1..to - 1])),
        damaged => Some(damaged.iter().flat_map(|span| shown(&lines[span.from..span.to])).collect()),
    }
}

/// The resources of a lineage that a text has blocks of, or parts of such; each once, in order.
pub fn block_addresses(text: &[u8], lineage: &str) -> Vec<Address> {
    let mut addresses: Vec<Address> = Vec::new();
    for line in lines_of(text) {
        let line = trimmed(line);
        let marker = Marker::parse(&line).filter(|marker| marker.lineage == lineage);
        let address = marker.and_then(|marker| Address::parse(marker.address).ok());
        addresses.extend(address.filter(|address| !addresses.contains(address)));
    }
    addresses
}

/// The text with the ends of a block naming another resource; its other bytes stay as they are.
pub fn with_block_of(text: &[u8], lineage: &str, from: &Address, to: &Address) -> Vec<u8> {
    let mut renamed = Vec::with_capacity(text.len());
    for line in lines_of(text) {
        let content = trimmed(line);
        let marker = Marker::parse(&content);
        match marker.filter(|marker| marker.lineage == lineage && marker.address == from.as_str()) {
            Some(marker) => {
                renamed.extend_from_slice(Marker::text(lineage, to, marker.edge).as_bytes());
                // What ends the line stays.
                renamed.extend_from_slice(&line[content.len()..]);
            }
            None => renamed.extend_from_slice(line),
        }
    }
    renamed
}

/// The lines of a text, counted from 1, that are in no block of this lineage.
pub fn lines_of_others(text: &[u8], lineage: &str) -> Vec<(usize, String)> {
    let mut inside = false;
    let mut others = Vec::new();
    for (line, number) in lines_of(text).into_iter().zip(1..) {
        let line = trimmed(line);
        match Marker::parse(&line) {
            Some(marker) => inside = marker.edge == Edge::Begin && marker.lineage == lineage,
            None if inside => {}
            None => others.push((number, line.into_owned())),
        }
    }
    others
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Begin,
    End,
}

/// The first or last line of a block.
#[derive(Debug, PartialEq, Eq)]
struct Marker<'a> {
    lineage: &'a str,
    address: &'a str,
    edge: Edge,
}

impl<'a> Marker<'a> {
    fn text(lineage: &str, address: &Address, edge: Edge) -> String {
        let edge = match edge {
            Edge::Begin => "begin (do not edit)",
            Edge::End => "end",
        };
        format!("# hactl {lineage} {address}: {edge}")
    }

    fn parse(line: &'a str) -> Option<Self> {
        let line = line.strip_prefix("# hactl ")?;
        let begin = line.strip_suffix(": begin (do not edit)").map(|block| (block, Edge::Begin));
        let (block, edge) = begin.or_else(|| Some((line.strip_suffix(": end")?, Edge::End)))?;
        let (lineage, address) = block.split_once(' ')?;
        Some(Self { lineage, address, edge })
    }
}

/// Lines that are a block's, by their positions; `to` is the first behind them.
struct Span {
    from: usize,
    to: usize,
    /// Both ends are there, and nothing but lines is between them.
    whole: bool,
}

/// Where a block is, in order. Between a begin without its end, or before an end without its begin, lines count as long as
/// they are known ones.
fn spans(lines: &[&[u8]], lineage: &str, address: &Address, known: &[&str]) -> Vec<Span> {
    let edges: Vec<(usize, Option<Edge>)> = lines
        .iter()
        .enumerate()
        .filter_map(|(position, line)| {
            let line = trimmed(line);
            let marker = Marker::parse(&line)?;
            let ours = marker.lineage == lineage && marker.address == address.as_str();
            Some((position, ours.then_some(marker.edge)))
        })
        .collect();
    let is_known = |line: &&&[u8]| known.contains(&&*trimmed(line));
    let mut spans: Vec<Span> = Vec::new();
    let mut rest = &edges[..];
    while let [(position, edge), after @ ..] = rest {
        let from = *position;
        rest = after;
        match (edge, after) {
            (Some(Edge::Begin), [(end, Some(Edge::End)), after @ ..]) => {
                spans.push(Span { from, to: end + 1, whole: true });
                rest = after;
            }
            (Some(Edge::Begin), _) => {
                let next = after.first().map_or(lines.len(), |(next, _)| *next);
                let ours = lines[from + 1..next].iter().take(known.len()).take_while(is_known).count();
                spans.push(Span { from, to: from + 1 + ours, whole: false });
            }
            (Some(Edge::End), _) => {
                let free = spans.last().map_or(0, |span| span.to);
                let ours = lines[free..from].iter().rev().take(known.len()).take_while(is_known).count();
                spans.push(Span { from: from - ours, to: from + 1, whole: false });
            }
            (None, _) => {}
        }
    }
    spans
}

/// The text without a block, and where in it the first of that was.
fn without(text: &[u8], lineage: &str, address: &Address, known: &[&str]) -> (Vec<u8>, Option<usize>) {
    let lines = lines_of(text);
    let mut rest = Vec::with_capacity(text.len());
    let (mut place, mut next) = (None, 0);
    for span in spans(&lines, lineage, address, known) {
        rest.extend(lines[next..span.from].concat());
        place = place.or(Some(rest.len()));
        next = span.to;
    }
    rest.extend(lines[next..].concat());
    (rest, place)
}

/// The lines with their ends.
fn lines_of(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A line as text, without its end.
fn trimmed(line: &[u8]) -> Cow<'_, str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINEAGE: &str = "5c2f";
    const BEGIN: &str = "# hactl 5c2f hostAliases.a.hosts[\"n\"]: begin (do not edit)\n";
    const END: &str = "# hactl 5c2f hostAliases.a.hosts[\"n\"]: end\n";
    const OURS: &str = "10.0.0.1\tdemo\n";

    fn address(name: &str) -> Address {
        Address::parse(&format!("hostAliases.{name}.hosts[\"n\"]")).unwrap()
    }

    fn block(name: &str, lines: &[&str]) -> BlockWrite {
        BlockWrite {
            path: "/etc/hosts".to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            former: Vec::new(),
            lineage: LINEAGE.to_owned(),
            address: address(name),
        }
    }

    fn removal(write: &BlockWrite) -> BlockRemoval {
        let BlockWrite { path, lines, lineage, address, .. } = write.clone();
        BlockRemoval { path, former: lines, lineage, address }
    }

    fn whole() -> String {
        format!("{BEGIN}{OURS}{END}")
    }

    #[test]
    fn a_block_gets_another_address_and_nothing_else_changes() {
        let text = format!("a\r\n{BEGIN}{OURS}{}{}", END.replace('\n', "\r\n"), whole().replace("5c2f", "77aa"));
        let renamed = with_block_of(text.as_bytes(), LINEAGE, &address("a"), &address("b"));
        let (ours, theirs) = text.split_at(text.len() - whole().len());
        let expected = ours.replace("hostAliases.a.", "hostAliases.b.") + theirs;
        assert_eq!(String::from_utf8(renamed.clone()).unwrap(), expected);
        assert_eq!(block_addresses(text.as_bytes(), LINEAGE), [address("a")]);
        assert_eq!(block_addresses(&renamed, LINEAGE), [address("b")]);
        assert_eq!(with_block_of(&renamed, LINEAGE, &address("a"), &address("b")), renamed);
    }

    #[test]
    fn a_block_goes_to_the_end_and_leaves_the_rest_alone() {
        for (before, after) in [
            ("", whole()),
            ("\n", format!("\n{}", whole())),
            ("::1\tlocalhost\n", format!("::1\tlocalhost\n{}", whole())),
            ("a\r\n b\r\n", format!("a\r\n b\r\n{}", whole())),
            ("a\nno end", format!("a\n{}no end", whole())),
            ("no end", format!("{}no end", whole())),
        ] {
            let write = block("a", &["10.0.0.1\tdemo"]);
            let put = write.put_into(before.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(&put), after);
            assert_eq!(removal(&write).take_from(&put), before.as_bytes());
        }
    }

    /// What is in a file, what a survey says of it, what it is after the block was put, and after it was taken out.
    #[test]
    fn what_is_damaged_is_mended_and_no_other_line_is_touched() {
        let theirs = "127.0.0.1\tlocalhost\n";
        let other = "# hactl 77aa hostAliases.a.hosts[\"n\"]: begin (do not edit)\n10.9.9.9\tx\n# hactl 77aa hostAliases.a.hosts[\"n\"]: end\n";
        let whole = whole();
        let (begin, end, line) = (BEGIN.trim_end(), END.trim_end(), OURS.trim_end());
        let cases: &[(&str, String, &[&str], String)] = &[
            ("whole", format!("a\n{whole}{theirs}"), &[line], format!("a\n{{}}{theirs}")),
            ("empty", format!("{BEGIN}{END}{theirs}"), &[], format!("{{}}{theirs}")),
            (
                "edited inside",
                format!("{BEGIN}10.0.0.1 x\n\n{END}{theirs}"),
                &["10.0.0.1 x", ""],
                format!("{{}}{theirs}"),
            ),
            ("no end", format!("a\n{BEGIN}{OURS}{theirs}"), &[begin], format!("a\n{{}}{theirs}")),
            ("no end of a former block", format!("{BEGIN}10.0.0.9\told\n{theirs}"), &[begin], format!("{{}}{theirs}")),
            ("no end, all else by hand", format!("{BEGIN}{theirs}{OURS}"), &[begin], format!("{{}}{theirs}{OURS}")),
            ("no begin", format!("{theirs}{OURS}{END}b\n"), &[end], format!("{theirs}{{}}b\n")),
            (
                "doubled",
                format!("{whole}{theirs}{whole}"),
                &[begin, line, end, begin, line, end],
                format!("{{}}{theirs}"),
            ),
            ("doubled begin", format!("{BEGIN}{OURS}{whole}"), &[begin, begin, line, end], "{}".to_owned()),
            ("another stack's before", format!("{other}{whole}"), &[line], format!("{other}{{}}")),
            (
                "another stack's inside",
                format!("{BEGIN}{OURS}{other}{END}{theirs}"),
                &[begin, end],
                format!("{{}}{other}{theirs}"),
            ),
            ("no end before another's", format!("{BEGIN}{other}"), &[begin], format!("{{}}{other}")),
            ("CRLF", whole.replace('\n', "\r\n") + theirs, &[line], format!("{{}}{theirs}")),
            (
                "at an end without a line break",
                format!("{theirs}{}", whole.trim_end()),
                &[line],
                format!("{theirs}{{}}"),
            ),
        ];
        for (name, before, seen, after) in cases {
            let write = BlockWrite { former: vec!["10.0.0.9\told".to_owned()], ..block("a", &["10.0.0.1\tdemo"]) };
            let lines = block_lines(before.as_bytes(), LINEAGE, &address("a")).unwrap();
            assert_eq!(lines, *seen, "{name}: seen");
            let put = write.put_into(before.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(&put), after.replace("{}", &whole), "{name}: put");
            let removal =
                BlockRemoval { former: [write.lines.clone(), write.former.clone()].concat(), ..removal(&write) };
            for text in [before.as_bytes(), &put] {
                assert_eq!(String::from_utf8_lossy(&removal.take_from(text)), after.replace("{}", ""), "{name}: taken");
            }
        }
    }

    #[test]
    fn what_is_no_line_of_a_block_is_refused() {
        for line in ["a\nb", "a\r", "\0", END.trim_end()] {
            assert!(block("a", &[line]).put_into(b"").is_err(), "{line:?}");
        }
    }

    #[test]
    fn lines_of_others_are_counted_from_one() {
        let text =
            format!("a\r\n{}b\n# hactl 77aa file.x: begin (do not edit)\nc\n# hactl 77aa file.x: end\n\nd", whole());
        let others = lines_of_others(text.as_bytes(), LINEAGE);
        let others: Vec<(usize, &str)> = others.iter().map(|(number, line)| (*number, line.as_str())).collect();
        assert_eq!(others, [(1, "a"), (5, "b"), (7, "c"), (9, ""), (10, "d")]);
    }

    proptest! {
        #[test]
        fn any_bytes_around_blocks_survive(
            text in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'#'), any::<u8>()], 0..60),
            lines in prop::collection::vec("[ -~\t]{0,12}", 0..4),
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let (a, b) = (block("a", &lines), block("b", &["10.0.0.2\tb"]));
            let both = b.put_into(&a.put_into(&text).unwrap()).unwrap();
            prop_assert_eq!(&a.put_into(&both).unwrap(), &both);
            prop_assert_eq!(block_lines(&both, LINEAGE, &a.address).unwrap(), lines);
            prop_assert_eq!(&removal(&b).take_from(&removal(&a).take_from(&both)), &text);
            prop_assert_eq!(&removal(&a).take_from(&removal(&b).take_from(&both)), &text);
            prop_assert_eq!(&removal(&a).take_from(&text), &text);
        }
    }
}
