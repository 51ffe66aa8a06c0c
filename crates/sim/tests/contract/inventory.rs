//! Claiming a host and releasing it.

use hactl_core::Address;
use hactl_host::{Claim, FileRemoval, FileWrite, HostError, InventoryEntry, Moved, Release};

use crate::suite::{Case, cases};
use crate::world::{SITE, World, address};

pub(crate) const CASES: &[Case] = cases![
    a_claim_is_recorded,
    a_claim_of_nothing_is_recorded,
    a_later_claim_adds_to_the_inventory,
    an_older_state_is_fenced_off,
    stacks_do_not_fence_each_other,
    a_release_drops_what_is_gone,
    the_last_release_removes_the_inventory,
    a_release_without_inventory_is_fine,
    a_lost_inventory_is_as_none,
    a_moved_file_is_recorded_under_its_new_address,
    an_adopted_file_moves_with_its_original,
    moves_are_done_in_their_order,
    what_is_not_recorded_does_not_move,
    what_a_label_tells_keeps_its_former_addresses,
    an_older_state_moves_nothing,
    all_inventories_are_told,
];

fn release(world: &World, gone: &[&str]) -> Release {
    Release { lineage: world.lineage(), gone: gone.iter().map(|text| address(text)).collect() }
}

async fn addresses(world: &World) -> Vec<String> {
    let inventory = world.inventory().await.expect("there is an inventory");
    inventory.entries.keys().map(ToString::to_string).collect()
}

async fn a_claim_is_recorded(world: &World) {
    let claim = world.claim(0, 1, &["file.site[\"node1\"]", "loadBalancer.rancher.file[\"lb1\"]"]);
    world.host().claim(&claim).await.unwrap();
    let inventory = world.inventory().await.unwrap();
    assert_eq!((inventory.stack.as_str(), inventory.serial), ("contract", 1));
    assert!(inventory.entries.values().all(|entry| *entry == InventoryEntry::default()));
    assert_eq!(addresses(world).await, ["file.site[\"node1\"]", "loadBalancer.rancher.file[\"lb1\"]"]);
}

async fn all_inventories_are_told(world: &World) {
    world.host().claim(&world.claim(0, 3, &["file.site[\"node1\"]", "container.web[\"node1\"]"])).await.unwrap();
    let told = world.host().inventories().await.unwrap();
    assert_eq!(told.get(&world.lineage()), world.inventory().await.as_ref());
}

async fn a_claim_of_nothing_is_recorded(world: &World) {
    world.host().claim(&world.claim(0, 1, &[])).await.unwrap();
    assert_eq!(world.inventory().await.unwrap().serial, 1);
}

async fn a_later_claim_adds_to_the_inventory(world: &World) {
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.host().claim(&world.claim(1, 2, &[SITE, "file.other"])).await.unwrap();
    let inventory = world.inventory().await.unwrap();
    assert_eq!(inventory.serial, 2);
    assert_eq!(inventory.entries[&address(SITE)].path.as_ref(), Some(&path));
    assert_eq!(addresses(world).await, ["file.other", SITE]);
}

async fn an_older_state_is_fenced_off(world: &World) {
    world.host().claim(&world.claim(0, 5, &[SITE])).await.unwrap();
    for (parent, serial) in [(4, 5), (3, 4), (4, 6), (0, 1)] {
        let claimed = world.host().claim(&world.claim(parent, serial, &["file.other"])).await;
        assert_eq!(claimed, Err(HostError::Fenced { host: 5, ours: parent }), "{parent} {serial}");
    }
    assert_eq!(addresses(world).await, [SITE], "a refused claim records nothing");
    for (parent, serial) in [(5, 6), (6, 6), (9, 10)] {
        world.host().claim(&world.claim(parent, serial, &[])).await.unwrap();
        assert_eq!(world.inventory().await.unwrap().serial, serial);
    }
}

async fn stacks_do_not_fence_each_other(world: &World) {
    let other = hactl_host::Claim { lineage: world.other_lineage(), ..world.claim(8, 9, &["file.other"]) };
    world.host().claim(&other).await.unwrap();
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    assert_eq!(addresses(world).await, [SITE]);
}

async fn a_release_drops_what_is_gone(world: &World) {
    world.host().claim(&world.claim(0, 1, &[SITE, "file.other"])).await.unwrap();
    for _ in 0..2 {
        world.host().release(&release(world, &["file.other", "file.unknown"])).await.unwrap();
        assert_eq!(addresses(world).await, [SITE]);
    }
    world.host().release(&release(world, &[])).await.unwrap();
    assert_eq!(addresses(world).await, [SITE]);
    assert_eq!(world.inventory().await.unwrap().serial, 1);
}

async fn the_last_release_removes_the_inventory(world: &World) {
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    world.host().release(&release(world, &[SITE])).await.unwrap();
    assert_eq!(world.inventory().await, None);
    world.host().claim(&world.claim(0, 1, &[])).await.unwrap();
    world.host().release(&release(world, &[])).await.unwrap();
    assert_eq!(world.inventory().await, None);
}

async fn a_release_without_inventory_is_fine(world: &World) {
    world.host().release(&release(world, &[SITE])).await.unwrap();
    assert_eq!(world.inventory().await, None);
}

/// A claim in which these have other addresses.
fn moving(world: &World, serial: u64, moves: &[(&str, &str)]) -> Claim {
    let moved = |(from, to): &(&str, &str)| Moved { from: address(from), to: address(to), block: None };
    Claim { moves: moves.iter().map(moved).collect(), ..world.claim(serial - 1, serial, &[]) }
}

const NEW: &str = "file.shop[\"node1\"]";

async fn a_moved_file_is_recorded_under_its_new_address(world: &World) {
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    let path = world.path("made/file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    let before = world.inventory().await.unwrap().entries.remove(&address(SITE));
    for serial in [2, 3] {
        world.host().claim(&moving(world, serial, &[(SITE, NEW)])).await.unwrap();
        let inventory = world.inventory().await.unwrap();
        assert_eq!(inventory.serial, serial);
        assert_eq!(inventory.entries.keys().collect::<Vec<_>>(), [&address(NEW)]);
        assert_eq!(inventory.entries.get(&address(NEW)), before.as_ref());
    }
    assert_eq!(world.text(&path).await.as_deref(), Some("text"));
    let write = FileWrite { address: address(NEW), ..world.write(&path, "changed") };
    world.host().write_file(&write).await.unwrap();
    // What the old address is used for now does not have the file.
    let refused = world.host().remove_file(&world.removal(&path)).await;
    assert_eq!(refused, Err(HostError::Conflict { what: format!("the file {path}") }));
    world.host().remove_file(&FileRemoval { address: address(NEW), ..world.removal(&path) }).await.unwrap();
    assert_eq!(world.text(&path).await, None);
    assert_eq!(world.text(&world.path("made")).await, None);
}

async fn an_adopted_file_moves_with_its_original(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"original", "0644", "root", "root");
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    world.host().write_file(&FileWrite { adopt: true, ..world.write(&path, "text") }).await.unwrap();
    world.host().claim(&moving(world, 2, &[(SITE, NEW)])).await.unwrap();
    assert!(world.inventory().await.unwrap().entries[&address(NEW)].original);
    world.host().remove_file(&FileRemoval { address: address(NEW), ..world.removal(&path) }).await.unwrap();
    assert_eq!(world.text(&path).await.as_deref(), Some("original"));
}

async fn moves_are_done_in_their_order(world: &World) {
    let (one, two) = (world.path("one"), world.path("two"));
    world.host().claim(&world.claim(0, 1, &[SITE, NEW])).await.unwrap();
    world.host().write_file(&world.write(&one, "one")).await.unwrap();
    world.host().write_file(&FileWrite { address: address(NEW), ..world.write(&two, "two") }).await.unwrap();
    let moves = [(NEW, "file.between"), (SITE, NEW), ("file.between", SITE)];
    world.host().claim(&moving(world, 2, &moves)).await.unwrap();
    let entries = world.inventory().await.unwrap().entries;
    let path = |text: &str| entries[&address(text)].path.clone();
    assert_eq!((entries.len(), path(SITE), path(NEW)), (2, Some(two), Some(one)));
}

async fn what_is_not_recorded_does_not_move(world: &World) {
    world.host().claim(&moving(world, 1, &[(SITE, NEW)])).await.unwrap();
    assert_eq!(world.inventory().await.unwrap().entries.len(), 0);
}

async fn what_a_label_tells_keeps_its_former_addresses(world: &World) {
    let [one, two, three] = ["container.one[\"node1\"]", "container.two[\"node1\"]", "container.three[\"node1\"]"];
    world.host().claim(&world.claim(0, 1, &[one, SITE])).await.unwrap();
    world.host().write_file(&world.write(&world.path("file"), "text")).await.unwrap();
    let moves: [(&[_], _, &[_]); 4] = [
        (&[(one, two), (SITE, NEW)], two, &[one]),
        (&[(one, two)], two, &[one]),
        (&[(two, three)], three, &[one, two]),
        (&[(three, one)], one, &[three, two]),
    ];
    for (serial, (moves, now, before)) in (2..).zip(moves) {
        world.host().claim(&moving(world, serial, moves)).await.unwrap();
        let inventory = world.inventory().await.unwrap();
        let labels: Vec<&str> = inventory.entries[&address(now)].labels.iter().map(Address::as_str).collect();
        assert_eq!(labels, before, "{now}");
        for label in before.iter().chain([&now]) {
            assert_eq!(inventory.labelled(&address(label)), Some(&address(now)), "{label}");
        }
        assert!(inventory.entries[&address(NEW)].labels.is_empty(), "a file is told by its path");
    }
    let told = world.host().inventories().await.unwrap();
    assert_eq!(told.get(&world.lineage()), world.inventory().await.as_ref());
    // Whoever has an address is meant by it.
    world.host().claim(&world.claim(5, 6, &[two])).await.unwrap();
    assert_eq!(world.inventory().await.unwrap().labelled(&address(two)), Some(&address(two)));
}

async fn an_older_state_moves_nothing(world: &World) {
    world.host().claim(&world.claim(4, 5, &[SITE])).await.unwrap();
    let claimed = world.host().claim(&moving(world, 5, &[(SITE, NEW)])).await;
    assert_eq!(claimed, Err(HostError::Fenced { host: 5, ours: 4 }));
    assert_eq!(addresses(world).await, [SITE]);
}

async fn a_lost_inventory_is_as_none(world: &World) {
    world.host().claim(&world.claim(0, 7, &[SITE])).await.unwrap();
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.remove_inventory(&world.lineage());
    assert_eq!(world.inventory().await, None);
    world.host().claim(&world.claim(7, 8, &[SITE])).await.unwrap();
    let write = FileWrite { owned: true, ..world.write(&path, "changed") };
    world.host().write_file(&write).await.unwrap();
    let entry = &world.inventory().await.unwrap().entries[&address(SITE)];
    assert_eq!((entry.path.as_ref(), entry.original), (Some(&path), false));
}
