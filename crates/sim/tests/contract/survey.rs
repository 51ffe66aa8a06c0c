//! What a survey shows: facts, files, and whose they are.

use hactl_core::Digest;
use hactl_host::{FileRequest, FileStat, FileWrite, SurveyRequest};

use crate::suite::{Case, cases};
use crate::world::{World, address};

pub(crate) const CASES: &[Case] = cases![
    facts_say_what_the_host_is,
    a_host_never_touched_has_no_inventory,
    only_files_that_exist_are_shown,
    a_file_shows_whose_it_is,
    an_owner_without_a_name_is_a_number,
    text_is_fetched_where_it_differs,
    binary_content_is_never_fetched,
    large_content_is_never_fetched,
    a_path_is_answered_as_it_was_asked,
    paths_of_another_stack_are_named,
    surveys_run_at_once,
];

async fn facts_say_what_the_host_is(world: &World) {
    let facts = world.survey(&[]).await.facts;
    for text in [&facts.os, &facts.architecture, &facts.kernel, &facts.hostname] {
        assert!(!text.trim().is_empty() && text.trim() == text, "{facts:?}");
    }
    assert!(facts.machine_id.len() == 32 && facts.machine_id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{facts:?}");
    assert!(facts.cpus > 0 && facts.memory > 64 << 20 && facts.disk_free > 0, "{facts:?}");
    assert!(facts.clock_offset.abs() <= 2, "{facts:?}");
    assert!(facts.docker_version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit())));
    assert!(facts.engine_id.as_deref().is_some_and(|id| !id.is_empty()));
    let again = world.survey(&[]).await.facts;
    assert_eq!((again.machine_id, again.engine_id), (facts.machine_id, facts.engine_id));
}

async fn a_host_never_touched_has_no_inventory(world: &World) {
    let survey = world.survey(&[]).await;
    assert_eq!((survey.inventory, survey.files.len(), survey.foreign.len()), (None, 0, 0));
}

async fn only_files_that_exist_are_shown(world: &World) {
    let (file, absent, directory) = (world.path("file"), world.path("absent"), world.path("directory"));
    world.hands.put_file(&file, b"text", "0644", "root", "root");
    world.hands.make_directory(&directory);
    let below = world.path("file/below");
    let survey = world.survey(&[&directory, &file, &absent, &below]).await;
    assert_eq!(survey.files.keys().collect::<Vec<_>>(), [&file]);
}

async fn a_file_shows_whose_it_is(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"text", "0640", "dev", "docker");
    let stat = world.stat(&path).await.unwrap();
    let expected = FileStat {
        sha256: Digest::sha256(b"text"),
        mode: "0640".to_owned(),
        owner: "dev".to_owned(),
        group: "docker".to_owned(),
        text: Some("text".to_owned()),
        ..stat.clone()
    };
    assert_eq!(stat, expected);
    world.hands.put_file(&path, b"text", "4755", "root", "root");
    let stat = world.stat(&path).await.unwrap();
    assert_eq!((stat.mode.as_str(), stat.owner_number, stat.group_number), ("4755", Some(0), Some(0)));
}

async fn an_owner_without_a_name_is_a_number(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"text", "0600", "4242", "4343");
    let stat = world.stat(&path).await.unwrap();
    assert_eq!((stat.owner.as_str(), stat.group.as_str()), ("4242", "4343"));
    assert_eq!((stat.owner_number, stat.group_number), (Some(4242), Some(4343)));
}

async fn text_is_fetched_where_it_differs(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, "größer\r\n\tand \"quoted\"\n\n".as_bytes(), "0644", "root", "root");
    let text = "größer\r\n\tand \"quoted\"\n\n";
    let known = Digest::sha256(text.as_bytes());
    for (fetch_unless, expected) in [(None, None), (Some(known), None), (Some(Digest::sha256(b"")), Some(text))] {
        let files = vec![FileRequest { path: path.clone(), fetch_unless }];
        let request = SurveyRequest { lineage: world.lineage(), files, ..SurveyRequest::default() };
        let stat = world.host().survey(&request).await.unwrap().files.remove(&path).unwrap();
        assert_eq!((stat.sha256, stat.text.as_deref()), (known, expected), "{fetch_unless:?}");
    }
    world.hands.put_file(&path, b"", "0644", "root", "root");
    assert_eq!(world.text(&path).await.as_deref(), Some(""));
}

async fn binary_content_is_never_fetched(world: &World) {
    let path = world.path("file");
    let content = [0, 1, 0xff, b'\n', 0xfe];
    world.hands.put_file(&path, &content, "0644", "root", "root");
    let stat = world.stat(&path).await.unwrap();
    assert_eq!((stat.sha256, stat.text), (Digest::sha256(&content), None));
}

async fn large_content_is_never_fetched(world: &World) {
    let (largest, larger) = (world.path("largest"), world.path("larger"));
    let content = "x".repeat(FileStat::MAX_TEXT + 1);
    world.hands.put_file(&largest, &content.as_bytes()[1..], "0644", "root", "root");
    world.hands.put_file(&larger, content.as_bytes(), "0644", "root", "root");
    let survey = world.survey(&[&largest, &larger]).await;
    assert_eq!(survey.files[&largest].text.as_deref(), Some(&content[1..]));
    assert_eq!(survey.files[&larger].text, None);
    assert_eq!(survey.files[&larger].sha256, Digest::sha256(content.as_bytes()));
}

async fn a_path_is_answered_as_it_was_asked(world: &World) {
    world.hands.put_file(&world.path("file"), b"text", "0644", "root", "root");
    let directory = world.directory();
    let spellings = [
        format!("{directory}//file"),
        format!("{directory}/./file"),
        format!("{directory}/../../srv{}/file", &directory[4..]),
    ];
    let survey = world.survey(&spellings.each_ref().map(String::as_str)).await;
    let mut expected: Vec<&String> = spellings.iter().collect();
    expected.sort();
    assert_eq!(survey.files.keys().collect::<Vec<_>>(), expected);
}

async fn paths_of_another_stack_are_named(world: &World) {
    let (theirs, ours, nobody) = (world.path("theirs"), world.path("ours"), world.path("nobody"));
    let claim = hactl_host::Claim {
        lineage: world.other_lineage(),
        stack: "neighbour".to_owned(),
        ..world.claim(0, 1, &["file.theirs"])
    };
    world.host().claim(&claim).await.unwrap();
    let write =
        FileWrite { lineage: world.other_lineage(), address: address("file.theirs"), ..world.write(&theirs, "theirs") };
    world.host().write_file(&write).await.unwrap();
    world.host().write_file(&world.write(&ours, "ours")).await.unwrap();
    let foreign = world.survey(&[&ours, &theirs, &nobody]).await.foreign;
    let foreign: Vec<_> =
        foreign.iter().map(|claim| (&claim.path, claim.stack.as_str(), claim.address.as_str())).collect();
    assert_eq!(foreign, [(&theirs, "neighbour", "file.theirs")]);
    world.hands.remove_file(&theirs);
    assert_eq!(world.survey(&[&theirs]).await.foreign.len(), 1, "a claim outlives its file");
}

async fn surveys_run_at_once(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"text", "0644", "root", "root");
    let paths = [&*path];
    let surveys = (0..20).map(|_| world.survey(&paths));
    for survey in futures_util::future::join_all(surveys).await {
        assert_eq!(survey.files[&path].text.as_deref(), Some("text"));
    }
}
