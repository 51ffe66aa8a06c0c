//! A team: two clones of one bare repository.

use hactl_core::git::Git;

use crate::world::{Tree, World, run};

/// Alice's and Bob's clones of one remote, with one apply in both.
fn team(world: &World) -> (Tree, Tree) {
    run(&world.path(""), &["init", "--quiet", "--bare", "--initial-branch=main", "bare"]);
    let alice = world.clone("bare", "alice");
    alice.git(&["commit", "--quiet", "--allow-empty", "--message=first"]);
    alice.apply(1).unwrap();
    push(&alice);
    let bob = world.clone("bare", "bob");
    bob.git(&["config", "user.name", "Bob"]);
    bob.git(&["config", "user.email", "bob@example.com"]);
    (alice, bob)
}

fn settings() -> Git {
    Git { push: true, ..Git::default() }
}

fn push(tree: &Tree) {
    tree.repository().remote(&settings()).unwrap().push().unwrap();
}

/// A message with what differs from run to run taken out.
fn told(world: &World, error: hactl_state::git::RepositoryError) -> String {
    let text = world.told(error);
    without_ids_and_dates(&text).lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn without_ids_and_dates(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([':', ',']);
        let is_id = bare.len() == 7 && bare.chars().all(|c| c.is_ascii_hexdigit());
        let is_date = bare.len() == 10 && bare.starts_with("20") && bare.contains('-');
        let is_time = bare.len() == 8 && bare.matches(':').count() == 2;
        match (is_id, is_date, is_time) {
            (true, _, _) => word.replace(bare, "ID"),
            (_, true, _) => word.replace(bare, "DATE"),
            (_, _, true) => word.replace(bare, "TIME"),
            _ => word.to_owned(),
        }
    };
    text.split('\n').map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_committed_is_pushed() {
    let world = World::new();
    let (alice, bob) = team(&world);
    assert!(!alice.repository().remote(&settings()).unwrap().check().unwrap(), "nothing to push");
    alice.apply(2).unwrap();
    assert!(alice.repository().remote(&settings()).unwrap().check().unwrap());
    push(&alice);
    bob.git(&["pull", "--quiet"]);
    assert_eq!(bob.store.load().unwrap().state.unwrap().serial, 2);
    // Commits of the user's alone are theirs to push.
    bob.git(&["commit", "--quiet", "--allow-empty", "--message=mine"]);
    assert!(!bob.repository().remote(&settings()).unwrap().check().unwrap());
}

#[test]
fn a_branch_that_the_remote_does_not_have_is_made() {
    let world = World::new();
    let (alice, _) = team(&world);
    alice.git(&["switch", "--quiet", "-c", "next"]);
    let settings = Git { branch: Some("next".to_owned()), ..settings() };
    let repository = alice.repository();
    let remote = repository.remote(&settings).unwrap();
    assert!(remote.check().unwrap());
    remote.push().unwrap();
    assert!(!remote.check().unwrap());
}

#[test]
fn a_remote_that_is_ahead_is_told_before_anything_is_begun() {
    let world = World::new();
    let (alice, bob) = team(&world);
    bob.git(&["commit", "--quiet", "--allow-empty", "--message=docs"]);
    push(&bob);
    let error = alice.repository().remote(&settings()).unwrap().check().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: origin/main has a commit that is not here
      ID by Bob <bob@example.com>, DATE TIME +0000: docs
      nothing was begun
      help: `git pull --rebase`, then run it again
    ");
    bob.apply(2).unwrap();
    push(&bob);
    let error = alice.repository().remote(&settings()).unwrap().check().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: origin/main has 2 commits that are not here
      ID by Bob <bob@example.com>, DATE TIME +0000: hactl apply web: 2 added, 0 changed, 0 destroyed (changes state/web.json)
      ID by Bob <bob@example.com>, DATE TIME +0000: docs
      nothing was begun
      help: `git pull --rebase`, then run it again
    ");
    assert_eq!(alice.store.load().unwrap().state.unwrap().serial, 1, "nothing is merged");
    alice.git(&["pull", "--quiet", "--rebase"]);
    alice.repository().remote(&settings()).unwrap().check().unwrap();
}

#[test]
fn a_remote_that_moved_meanwhile_is_told_and_nothing_is_forced() {
    let world = World::new();
    let (alice, bob) = team(&world);
    alice.apply(2).unwrap();
    bob.git(&["commit", "--quiet", "--allow-empty", "--message=docs"]);
    push(&bob);
    let error = alice.repository().remote(&settings()).unwrap().push().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: the state is committed here, but not pushed: origin/main has a commit that is not here
      ID by Bob <bob@example.com>, DATE TIME +0000: docs
      help: `git pull --rebase` and `git push`: they do not touch this state; or leave it to the next apply after a `git pull --rebase`
    ");
    alice.git(&["pull", "--quiet", "--rebase"]);
    push(&alice);

    alice.apply(3).unwrap();
    bob.apply(4).unwrap();
    bob.git(&["pull", "--quiet", "--rebase", "-X", "theirs"]);
    push(&bob);
    let error = alice.repository().remote(&settings()).unwrap().push().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: the state is committed here, but not pushed: origin/main has a commit that is not here
      ID by Bob <bob@example.com>, DATE TIME +0000: hactl apply web: 4 added, 0 changed, 0 destroyed (changes state/web.json)
      help: two runs changed the same stack. `git pull --rebase` stops at the state: never merge it line by line, take yours, `git checkout --theirs -- state/web.json`, `git add state/web.json`, `git rebase --continue`; then `hactl plan` shows what the other run left on the hosts
    ");
    assert_eq!(alice.store.load().unwrap().state.unwrap().serial, 3);
    let error = alice.repository().remote(&settings()).unwrap().check().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: origin/main has a commit that is not here
      ID by Bob <bob@example.com>, DATE TIME +0000: hactl apply web: 4 added, 0 changed, 0 destroyed (changes state/web.json)
      nothing was begun
      help: two runs changed the same stack. `git pull --rebase` stops at the state: never merge it line by line, take yours, `git checkout --theirs -- state/web.json`, `git add state/web.json`, `git rebase --continue`; then `hactl plan` shows what the other run left on the hosts
    ");
}

#[test]
fn a_remote_that_does_not_answer() {
    let world = World::new();
    let (alice, _) = team(&world);
    alice.git(&["remote", "set-url", "origin", "../away"]);
    let error = alice.repository().remote(&settings()).unwrap().check().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: the remote origin cannot be asked what it has
      fatal: '../away' does not appear to be a git repository
      fatal: Could not read from remote repository.
      Please make sure you have the correct access rights
      and the repository exists.
      without its answer another run may be going on, or have ended; nothing was begun
      help: see to the connection: `git ls-remote origin` has to work; to do without it, take `push` out of `git` in the config
    ");
    let error = alice.repository().remote(&settings()).unwrap().push().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: the state is committed here, but not pushed to origin/main
      fatal: '../away' does not appear to be a git repository
      fatal: Could not read from remote repository.
      Please make sure you have the correct access rights
      and the repository exists.
      help: mend that, then `git push origin HEAD:refs/heads/main`; or leave it to the next apply, which pushes it
    ");
}

#[test]
fn a_remote_that_refuses() {
    let world = World::new();
    let (alice, _) = team(&world);
    alice.apply(2).unwrap();
    alice.hook("pre-push", "echo 'pushes are frozen' >&2; exit 1");
    let error = alice.repository().remote(&settings()).unwrap().push().unwrap_err();
    insta::assert_snapshot!(told(&world, error), @"
    error: the state is committed here, but not pushed to origin/main
      pushes are frozen
      error: failed to push some refs to 'DIR/bare'
      help: mend that, then `git push origin HEAD:refs/heads/main`; or leave it to the next apply, which pushes it
    ");
}

#[test]
fn another_branch_or_none() {
    let world = World::new();
    let (alice, _) = team(&world);
    let settings = Git { branch: Some("production".to_owned()), ..settings() };
    insta::assert_snapshot!(told(&world, alice.repository().remote(&settings).unwrap_err()), @"
    error: the config pushes to production, and the current branch is main
      the commits of this branch would go there with the state; nothing was begun
      help: `git switch production`, or take `branch` out of `git` in the config
    ");
    alice.git(&["checkout", "--quiet", "--detach"]);
    let detached = alice.repository();
    insta::assert_snapshot!(told(&world, detached.remote(&self::settings()).unwrap_err()), @"
    error: HEAD is detached: there is no branch to push to
      nothing was begun
      help: name one in the config, `git: {branch: main}`, or `git switch` to one
    ");
    // As in CI, where the config says which branch it is.
    assert_eq!(detached.remote(&settings).unwrap().place(), "origin/production");
}
