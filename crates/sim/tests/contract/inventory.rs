//! Claiming a host and releasing it.

use hactl_host::{FileWrite, HostError, InventoryEntry, Release};

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
