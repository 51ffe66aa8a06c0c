//! Blocks of lines in text files of others, as in a host's own `/etc/hosts`.

use hactl_core::Digest;
use hactl_host::{
    BlockRemoval, BlockWrite, Claim, FileWrite, ForeignClaim, HostError, InventoryEntry, Moved, Release, Survey,
    SurveyRequest, block_lines,
};

use crate::suite::{Case, cases};
use crate::world::{World, address, file_reason};

pub(crate) const CASES: &[Case] = cases![
    a_block_comes_and_goes,
    any_bytes_around_it_stay,
    the_file_keeps_its_mode_and_owner,
    a_block_changes_in_its_place,
    a_moved_block_names_its_new_address,
    a_repeated_write_changes_nothing,
    a_damaged_block_is_mended,
    stacks_have_blocks_in_one_file,
    a_missing_file_is_made_and_stays,
    a_directory_must_be_there,
    what_is_absent_is_removed_already,
    a_directory_is_in_the_way,
    a_file_of_a_resource_holds_no_blocks,
    a_very_large_file_holds_no_blocks,
    what_is_no_line_is_refused,
    texts_are_surveyed,
    blocks_at_once_are_all_there,
    the_host_s_own_file_holds_blocks,
];

/// What only real hosts refuse.
pub(crate) const REFUSED: &[Case] = cases![a_mount_point_is_refused, a_user_without_sudo_is_refused];

const ADDRESS: &str = "hostAliases.rancher.hosts[\"node1\"]";
const LOCALHOST: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost\n";

fn block(world: &World, path: &str) -> BlockWrite {
    BlockWrite {
        path: path.to_owned(),
        lines: vec!["10.0.0.1\tdemo demo.example".to_owned(), "fd00::1\tdemo".to_owned()],
        former: Vec::new(),
        lineage: world.lineage(),
        address: address(ADDRESS),
    }
}

fn removal(write: &BlockWrite) -> BlockRemoval {
    let BlockWrite { path, lines, lineage, address, .. } = write.clone();
    BlockRemoval { path, former: lines, lineage, address }
}

/// A file with the lines of localhost.
fn localhost(world: &World) -> String {
    let path = world.path("hosts");
    world.hands.put_file(&path, LOCALHOST.as_bytes(), "0644", "root", "root");
    path
}

async fn survey(world: &World, path: &str) -> Survey {
    let request = SurveyRequest { lineage: world.lineage(), texts: vec![path.to_owned()], ..SurveyRequest::default() };
    world.host().survey(&request).await.unwrap()
}

async fn text(world: &World, path: &str) -> String {
    String::from_utf8(survey(world, path).await.texts.remove(path).expect("there is a file")).unwrap()
}

async fn entry(world: &World) -> Option<InventoryEntry> {
    world.inventory().await?.entries.remove(&address(ADDRESS))
}

fn with_block(world: &World, before: &str, lines: &str, after: &str) -> String {
    let block = format!("# hactl {} {ADDRESS}", world.lineage());
    format!("{before}{block}: begin (do not edit)\n{lines}{block}: end\n{after}")
}

const LINES: &str = "10.0.0.1\tdemo demo.example\nfd00::1\tdemo\n";

async fn a_block_comes_and_goes(world: &World) {
    let path = localhost(world);
    let write = block(world, &path);
    world.host().claim(&world.claim(0, 1, &[ADDRESS])).await.unwrap();
    world.host().write_block(&write).await.unwrap();
    assert_eq!(text(world, &path).await, with_block(world, LOCALHOST, LINES, ""));
    let recorded = InventoryEntry { block: Some(path.clone()), ..InventoryEntry::default() };
    assert_eq!(entry(world).await, Some(recorded));

    world.host().remove_block(&removal(&write)).await.unwrap();
    assert_eq!(text(world, &path).await, LOCALHOST);
    assert_eq!(entry(world).await, Some(InventoryEntry::default()));
    let release = Release { lineage: world.lineage(), gone: vec![address(ADDRESS)] };
    world.host().release(&release).await.unwrap();
    assert_eq!(world.inventory().await, None);
}

async fn a_moved_block_names_its_new_address(world: &World) {
    let path = localhost(world);
    let write = block(world, &path);
    world.host().claim(&world.claim(0, 1, &[ADDRESS])).await.unwrap();
    world.host().write_block(&write).await.unwrap();
    let before = text(world, &path).await;
    let new = "hostAliases.cattle.hosts[\"node1\"]";
    let moved = Moved { from: address(ADDRESS), to: address(new), block: Some(path.clone()) };
    for serial in [2, 3] {
        let claim = Claim { moves: vec![moved.clone()], ..world.claim(serial - 1, serial, &[]) };
        world.host().claim(&claim).await.unwrap();
        assert_eq!(text(world, &path).await, before.replace(ADDRESS, new));
        let recorded = InventoryEntry { block: Some(path.clone()), ..InventoryEntry::default() };
        assert_eq!(entry(world).await, None);
        assert_eq!(world.inventory().await.unwrap().entries.remove(&address(new)), Some(recorded));
    }
    let removal = BlockRemoval { address: address(new), ..removal(&write) };
    world.host().remove_block(&removal).await.unwrap();
    assert_eq!(text(world, &path).await, LOCALHOST);
}

async fn any_bytes_around_it_stay(world: &World) {
    let path = world.path("hosts");
    let every_byte: Vec<u8> = (0..=255).collect();
    let contents: [&[u8]; 7] =
        [b"", b"\n", b"no newline", b"a\r\n\r\n", b"\t# $(x) `y` 'z' \"\\\n%s\nend", b"\0\n\0", &every_byte];
    for content in contents {
        world.hands.put_file(&path, content, "0644", "root", "root");
        let write = block(world, &path);
        world.host().write_block(&write).await.unwrap();
        let put = survey(world, &path).await.texts.remove(&path).unwrap();
        assert_eq!(block_lines(&put, &world.lineage(), &write.address), Some(write.lines.clone()), "{content:?}");
        assert_eq!(removal(&write).take_from(&put), content);
        world.host().remove_block(&removal(&write)).await.unwrap();
        assert_eq!(world.hands.digest(&path), Some(Digest::sha256(content)), "{content:?}");
    }
}

async fn the_file_keeps_its_mode_and_owner(world: &World) {
    let path = world.path("hosts");
    world.hands.put_file(&path, b"a\n", "0664", "dev", "docker");
    let write = block(world, &path);
    world.host().write_block(&write).await.unwrap();
    for _ in 0..2 {
        let stat = world.stat(&path).await.unwrap();
        assert_eq!((stat.mode.as_str(), stat.owner.as_str(), stat.group.as_str()), ("0664", "dev", "docker"));
        world.host().remove_block(&removal(&write)).await.unwrap();
    }
}

async fn a_block_changes_in_its_place(world: &World) {
    let path = localhost(world);
    let write = block(world, &path);
    world.host().write_block(&write).await.unwrap();
    let later = text(world, &path).await + "10.9.9.9\tlater\n";
    world.hands.put_file(&path, later.as_bytes(), "0644", "root", "root");
    let changed = BlockWrite { lines: vec!["10.0.0.2\tdemo".to_owned()], former: write.lines.clone(), ..write };
    world.host().write_block(&changed).await.unwrap();
    assert_eq!(text(world, &path).await, with_block(world, LOCALHOST, "10.0.0.2\tdemo\n", "10.9.9.9\tlater\n"));
}

async fn a_repeated_write_changes_nothing(world: &World) {
    let path = localhost(world);
    world.host().write_block(&block(world, &path)).await.unwrap();
    let before = (world.stat(&path).await, world.inventory().await);
    world.host().write_block(&block(world, &path)).await.unwrap();
    assert_eq!((world.stat(&path).await, world.inventory().await), before);
}

async fn a_damaged_block_is_mended(world: &World) {
    let path = world.path("hosts");
    let write = BlockWrite { former: vec!["10.0.0.9\told".to_owned()], ..block(world, &path) };
    let whole = with_block(world, "", LINES, "");
    let (begin, _) = whole.split_once('\n').unwrap();
    for (damaged, after) in [
        (format!("{begin}\n10.0.0.9\told\n{LOCALHOST}"), LOCALHOST),
        (format!("{whole}{LOCALHOST}{whole}"), LOCALHOST),
        (whole.replace("10.0.0.1", "10.0.0.7") + "x\n", "x\n"),
    ] {
        world.hands.put_file(&path, damaged.as_bytes(), "0644", "root", "root");
        world.host().write_block(&write).await.unwrap();
        assert_eq!(text(world, &path).await, format!("{whole}{after}"), "{damaged}");
        world.hands.put_file(&path, damaged.as_bytes(), "0644", "root", "root");
        let former = [write.lines.clone(), write.former.clone()].concat();
        world.host().remove_block(&BlockRemoval { former, ..removal(&write) }).await.unwrap();
        assert_eq!(text(world, &path).await, after, "{damaged}");
    }
}

async fn stacks_have_blocks_in_one_file(world: &World) {
    let path = localhost(world);
    let ours = block(world, &path);
    let theirs = BlockWrite { lineage: world.other_lineage(), ..ours.clone() };
    world.host().write_block(&ours).await.unwrap();
    let alone = text(world, &path).await;
    world.host().write_block(&theirs).await.unwrap();
    world.host().remove_block(&removal(&theirs)).await.unwrap();
    assert_eq!(text(world, &path).await, alone);
    world.host().write_block(&theirs).await.unwrap();
    world.host().remove_block(&removal(&ours)).await.unwrap();
    let rest = survey(world, &path).await.texts.remove(&path).unwrap();
    assert_eq!(block_lines(&rest, &theirs.lineage, &theirs.address), Some(theirs.lines.clone()));
    assert_eq!(block_lines(&rest, &ours.lineage, &ours.address), None);
}

async fn a_missing_file_is_made_and_stays(world: &World) {
    world.hands.make_directory(&world.directory());
    let path = world.path("hosts");
    let write = block(world, &path);
    world.host().write_block(&write).await.unwrap();
    assert_eq!(text(world, &path).await, with_block(world, "", LINES, ""));
    let stat = world.stat(&path).await.unwrap();
    assert_eq!((stat.mode.as_str(), stat.owner.as_str()), ("0644", "root"));
    world.host().remove_block(&removal(&write)).await.unwrap();
    assert_eq!(text(world, &path).await, "");
}

async fn a_directory_must_be_there(world: &World) {
    let path = world.path("hosts");
    assert_eq!(file_reason(world.host().write_block(&block(world, &path)).await), BlockWrite::NO_DIRECTORY);
    assert!(!world.hands.is_directory(&world.directory()));
    assert_eq!(entry(world).await.unwrap_or_default(), InventoryEntry::default());
}

async fn what_is_absent_is_removed_already(world: &World) {
    let write = block(world, &world.path("missing/hosts"));
    world.host().remove_block(&removal(&write)).await.unwrap();
    assert!(!world.hands.is_directory(&world.directory()));
    let path = localhost(world);
    for _ in 0..2 {
        world.host().remove_block(&BlockRemoval { path: path.clone(), ..removal(&write) }).await.unwrap();
        assert_eq!(text(world, &path).await, LOCALHOST);
    }
}

async fn a_directory_is_in_the_way(world: &World) {
    let path = world.path("directory");
    world.hands.make_directory(&path);
    let write = block(world, &path);
    assert_eq!(file_reason(world.host().write_block(&write).await), "is a directory");
    assert_eq!(file_reason(world.host().remove_block(&removal(&write)).await), "is a directory");
}

async fn a_file_of_a_resource_holds_no_blocks(world: &World) {
    for (name, lineage) in [("ours", world.lineage()), ("theirs", world.other_lineage())] {
        let path = world.path(name);
        let resource = address(&format!("file.{name}"));
        let file = FileWrite { address: resource.clone(), lineage, ..world.write(&path, "text") };
        world.host().write_file(&file).await.unwrap();
        assert_eq!(file_reason(world.host().write_block(&block(world, &path)).await), BlockWrite::HELD);
        assert_eq!(text(world, &path).await, "text");
        assert_eq!(entry(world).await.unwrap_or_default(), InventoryEntry::default());
        let stack = String::new();
        let told = ForeignClaim { path: path.clone(), stack, address: resource };
        let expected = if name == "theirs" { vec![told] } else { Vec::new() };
        assert_eq!(survey(world, &path).await.foreign, expected);
    }
}

async fn a_very_large_file_holds_no_blocks(world: &World) {
    let path = world.path("hosts");
    world.hands.put_file(&path, "#\n".repeat(BlockWrite::MAX_TEXT / 2).as_bytes(), "0644", "root", "root");
    assert_eq!(file_reason(world.host().write_block(&block(world, &path)).await), BlockWrite::TOO_LARGE);
    assert_eq!(survey(world, &path).await.texts[&path].len(), BlockWrite::MAX_TEXT);
    world.hands.put_file(&path, &vec![b'#'; BlockWrite::MAX_TEXT + 1], "0644", "root", "root");
    let request = SurveyRequest { lineage: world.lineage(), texts: vec![path], ..SurveyRequest::default() };
    assert_eq!(file_reason(world.host().survey(&request).await), BlockWrite::TOO_LARGE);
}

async fn what_is_no_line_is_refused(world: &World) {
    let path = localhost(world);
    for line in ["a\nb", "\0"] {
        let write = BlockWrite { lines: vec![line.to_owned()], ..block(world, &path) };
        let error = world.host().write_block(&write).await.unwrap_err();
        assert!(matches!(error, HostError::File { operation: "write", .. }), "{error}");
    }
    assert_eq!(text(world, &path).await, LOCALHOST);
}

async fn texts_are_surveyed(world: &World) {
    let (path, empty, missing) = (world.path("a b"), world.path("empty"), world.path("missing"));
    world.hands.put_file(&path, b"\xff\0\r\nno end", "0600", "root", "root");
    world.hands.put_file(&empty, b"", "0644", "root", "root");
    let texts = vec![path.clone(), empty.clone(), missing, world.directory()];
    let request = SurveyRequest { lineage: world.lineage(), texts, ..SurveyRequest::default() };
    let survey = world.host().survey(&request).await.unwrap();
    assert_eq!(survey.texts, [(path, b"\xff\0\r\nno end".to_vec()), (empty, Vec::new())].into());
    assert!(survey.files.is_empty());
}

async fn blocks_at_once_are_all_there(world: &World) {
    let path = localhost(world);
    let writes: Vec<BlockWrite> = (0..8)
        .map(|number| BlockWrite {
            address: address(&format!("hostAliases.a{number}.hosts[\"node1\"]")),
            lines: vec![format!("10.0.0.{number}\ta{number}")],
            ..block(world, &path)
        })
        .collect();
    let written = futures_util::future::join_all(writes.iter().map(|write| world.host().write_block(write))).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let all = survey(world, &path).await.texts.remove(&path).unwrap();
    for write in &writes {
        assert_eq!(block_lines(&all, &write.lineage, &write.address).as_ref(), Some(&write.lines));
    }
    let removals: Vec<BlockRemoval> = writes.iter().map(removal).collect();
    let removed =
        futures_util::future::join_all(removals.iter().map(|removal| world.host().remove_block(removal))).await;
    assert!(removed.iter().all(Result::is_ok), "{removed:?}");
    assert_eq!(text(world, &path).await, LOCALHOST);
}

/// Alone on this file, so that it is as before afterwards.
async fn the_host_s_own_file_holds_blocks(world: &World) {
    let path = "/etc/hosts";
    let before = survey(world, path).await.texts.remove(path).expect("every host has it");
    assert!(String::from_utf8_lossy(&before).contains("127.0.0.1\tlocalhost"));
    let write = block(world, path);
    world.host().write_block(&write).await.unwrap();
    let put = survey(world, path).await.texts.remove(path).unwrap();
    world.host().remove_block(&removal(&write)).await.unwrap();
    assert_eq!(block_lines(&put, &write.lineage, &write.address), Some(write.lines.clone()));
    assert_eq!(survey(world, path).await.texts.remove(path), Some(before));
}

/// Docker mounts this file into the lab's hosts, which are containers.
async fn a_mount_point_is_refused(world: &World) {
    let write = block(world, "/etc/resolv.conf");
    assert_eq!(file_reason(world.host().write_block(&write).await), BlockWrite::MOUNTED);
    assert_eq!(entry(world).await.unwrap_or_default(), InventoryEntry::default());
}

async fn a_user_without_sudo_is_refused(world: &World) {
    let path = localhost(world);
    for user in ["dev", "asks"] {
        let host = world.connect_as(user).await.unwrap();
        let reason = file_reason(host.write_block(&block(world, &path)).await);
        assert!(reason.contains("permission denied") && reason.contains("sudo"), "{user}: {reason}");
        assert_eq!(text(world, &path).await, LOCALHOST);
    }
}
