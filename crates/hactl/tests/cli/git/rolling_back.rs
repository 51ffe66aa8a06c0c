//! Going back to the config of an older revision.

use std::fs;

use crate::git::desk::{Desk, after_plan};

#[test]
fn config_files_and_variables_are_those_of_then() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve --var length=20 --var token=two");
    desk.write("alice", "motd.txt", "three");
    desk.edit("alice", "secrets:", "secrets:\n  more: {generate: {token: {}}}");
    desk.succeed("alice", "apply --auto-approve --var length=30 --var token=three");
    let told = desk.run("alice", "rollback HEAD~2 --auto-approve");
    insta::assert_snapshot!(told, @r#"
    shop goes back to ******* (2027-01-31 10:00 UTC, Alice: hactl apply shop: 2 added, 0 changed, 0 destroyed), with the config of commit *******.

    ~ secret.access
        why: its source has another value
        ~ data.token = (sensitive)  # changed

    ~ secret.db
        why: the config changed
        ~ generate.password.length = 30 -> 20
        ~ its values are made anew: (sensitive)

    To be destroyed:
      - secret.more (no longer in the config)

    Order: all at the same time.

    Outputs:
      ~ motd = "30 three" -> "20 one"

    Plan: 0 to add, 2 to change, 1 to destroy.
    secret.access: updating...
    secret.access: update complete after 0s
    secret.db: updating...
    secret.db: update complete after 0s
    secret.more: destroying...
    secret.more: destruction complete after 0s

    Apply complete! Resources: 0 added, 2 changed, 1 destroyed.

    Outputs:

    motd = "20 one"

    The state is committed: *******.

    The config here was not changed: the next `hactl apply` does what it says, and so undoes this where it differs from that of *******.
    "#);
    insta::assert_snapshot!(desk.run("alice", "output"), @r#"motd = "20 one""#);
    assert_eq!(
        desk.run("alice", "secret export access.token --out token"),
        "Wrote token of secret.access to token, for you alone (mode 0600)."
    );
    assert_eq!(desk.read("alice", "token"), "two");
    assert_eq!(desk.git("alice", "status --porcelain"), "?? token\n");
    assert_eq!(fs::read_dir(desk.path("alice/.hactl/rollback")).unwrap().count(), 0, "nothing is left of it");
    insta::assert_snapshot!(desk.log("alice"), @"
    hactl rollback shop to *******: 0 added, 2 changed, 1 destroyed
    hactl apply shop: 1 added, 2 changed, 0 destroyed
    edit
    hactl apply shop: 2 added, 0 changed, 0 destroyed
    config
    ");
    // A rollback is a revision like any other: it can be undone, and gone back to.
    insta::assert_snapshot!(after_plan(&desk.run("alice", "rollback HEAD --auto-approve")), @"
    shop goes back to ******* (2027-01-31 10:00 UTC, Alice: hactl rollback shop to *******: 0 added, 2 changed, 1 destroyed), with the config of commit *******.

    No changes. The state matches the config.

    Apply complete! Resources: 0 added, 0 changed, 0 destroyed.
    ");
    insta::assert_snapshot!(after_plan(&desk.run("alice", "rollback HEAD~1 --auto-approve")), @r#"
    Plan: 1 to add, 2 to change, 0 to destroy.
    secret.access: updating...
    secret.access: update complete after 0s
    secret.db: updating...
    secret.db: update complete after 0s
    secret.more: creating...
    secret.more: creation complete after 0s

    Apply complete! Resources: 1 added, 2 changed, 0 destroyed.

    Outputs:

    motd = "30 three"

    The state is committed: *******.

    The config here was not changed: the next `hactl apply` does what it says, and so undoes this where it differs from that of *******.
    "#);
    insta::assert_snapshot!(after_plan(&desk.run("alice", "rollback HEAD~1 --auto-approve")), @r#"
    Plan: 0 to add, 2 to change, 1 to destroy.
    secret.access: updating...
    secret.access: update complete after 0s
    secret.db: updating...
    secret.db: update complete after 0s
    secret.more: destroying...
    secret.more: destruction complete after 0s

    Apply complete! Resources: 0 added, 2 changed, 1 destroyed.

    Outputs:

    motd = "20 one"

    The state is committed: *******.

    The config here was not changed: the next `hactl apply` does what it says, and so undoes this where it differs from that of *******.
    "#);
}

#[test]
fn it_asks_and_can_be_limited() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.succeed("alice", "apply --auto-approve --var length=30 --var token=two");
    insta::assert_snapshot!(desk.run("alice", "rollback HEAD~1"), @r#"
    shop goes back to ******* (2027-01-31 10:00 UTC, Alice: hactl apply shop: 2 added, 0 changed, 0 destroyed), with the config of commit *******.

    ~ secret.access
        why: its source has another value
        ~ data.token = (sensitive)  # changed

    ~ secret.db
        why: the config changed
        ~ generate.password.length = 30 -> 20
        ~ its values are made anew: (sensitive)

    Order: all at the same time.

    Outputs:
      ~ motd = "30 one" -> "20 one"

    Plan: 0 to add, 2 to change, 0 to destroy.

    Do this?
      Only `yes` is taken as approval.

      Enter a value: 
    error: there is nobody to ask: the input has ended
      help: run it in a terminal, or with --auto-approve
    [exit 1]
    "#);
    desk.succeed("alice", "rollback HEAD~1 --auto-approve --target secret.db");
    let log = desk.log("alice");
    assert!(log.starts_with("hactl rollback shop to "), "{log}");
    assert!(log.contains(": 0 added, 1 changed, 0 destroyed\n"), "{log}");
}

#[test]
fn what_was_renamed_since_gets_its_name_back() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.succeed("alice", "secret export db.value --out before");
    desk.edit("alice", "  db:", "  store:");
    desk.edit("alice", "outputs:", "moved:\n  - {from: secret.db, to: secret.store}\noutputs:");
    desk.succeed("alice", "apply --auto-approve");
    desk.edit("alice", "  store:", "  base:");
    desk.edit("alice", "outputs:", "  - {from: secret.store, to: secret.base}\noutputs:");
    desk.succeed("alice", "apply --auto-approve");
    let last = desk.succeed("alice", "rollback HEAD~3 --auto-approve");
    assert!(last.contains("Moved:\n  secret.base is now secret.store\n"), "{last}");
    desk.succeed("alice", "apply --auto-approve");
    let first = desk.succeed("alice", "rollback HEAD~8 --auto-approve");
    assert!(first.contains("Moved:\n  secret.base is now secret.db\n"), "{first}");
    assert!(first.contains("0 added, 0 changed, 0 destroyed, 1 moved."), "{first}");
    desk.succeed("alice", "secret export db.value --out after");
    assert_eq!(desk.read("alice", "before"), desk.read("alice", "after"));
}

#[test]
fn what_cannot_be_gone_back_to() {
    let desk = Desk::new();
    let rollback = |revision: &str| desk.run("alice", &format!("rollback {revision} --auto-approve"));
    let before = rollback("HEAD");
    desk.write("alice", "motd.txt", "two");
    desk.succeed("alice", "apply --auto-approve");
    let not_committed = rollback("HEAD");
    desk.git("alice", "commit --quiet -am two");
    desk.succeed("alice", "apply --auto-approve --no-commit --var length=30");
    desk.succeed("alice", "apply --auto-approve --var length=40");
    let left_over = rollback("HEAD~1");
    desk.succeed("alice", "destroy --auto-approve");
    let destroyed = rollback("HEAD");
    let nowhere = rollback("nowhere");
    let refresh = desk.run("alice", "rollback HEAD~1 --refresh-only --auto-approve");
    desk.git("alice", "mv hactl.yaml other.yaml");
    desk.git("alice", "commit --quiet -m moved");
    let moved = desk.run("alice", "-f other.yaml rollback HEAD~2 --auto-approve");
    let all = [before, not_committed, left_over, destroyed, nowhere, refresh, moved].join("\n\n");
    insta::assert_snapshot!(all, @r#"
    error: at HEAD there was no state of this stack yet
      help: `hactl history` lists the revisions that have one
    [exit 1]

    error: the config that was applied at ******* is not in git
      note: its files were changed, and not committed, when it was applied (config commit: ********-dirty); nothing was done
      help: choose another revision, or put the config back by hand and apply it; commit a config before applying it
    [exit 1]

    error: ******* cannot be gone back to: which config was applied at that revision is not known
      note: it is: hactl: state of shop left by an earlier run
      help: choose a revision of `hactl apply`; `hactl history` lists them
    [exit 1]

    error: ******* cannot be gone back to: nothing was applied at that revision
      note: it is: hactl destroy shop: 0 added, 0 changed, 2 destroyed
      help: choose a revision of `hactl apply`; `hactl history` lists them
    [exit 1]

    error: there is no revision "nowhere"
      help: `hactl history` lists the revisions of the state
    [exit 1]

    error: rollback takes no --refresh-only
      help: use it with `hactl apply`
    [exit 1]

    error: at ******* there was no other.yaml
      note: the config was elsewhere, or not in git, when that revision was applied
      help: put the config of then back by hand, and apply it
    [exit 1]
    "#);
}
