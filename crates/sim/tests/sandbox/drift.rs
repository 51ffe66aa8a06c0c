//! What is done by hand.

use crate::common::*;
use hactl_host::{NetworkConfig, Resources, Status, VolumeConfig};
use hactl_sim::{Sandbox, SandboxError};

#[tokio::test]
async fn containers_by_hand() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    run(&*host, "web", &publishing(8080)).await;
    sandbox.stop_container("node1", "web").unwrap();
    assert_eq!(inspect(&*host, "web").await.status, Status::Exited(0));
    sandbox.start_container("node1", "web").unwrap();
    assert_eq!(inspect(&*host, "web").await.status, Status::Running);
    let resources = Resources { milli_cpus: Some(100), memory: None };
    sandbox.update_container("node1", "web", Some(resources.clone()), None).unwrap();
    let updated = inspect(&*host, "web").await.config;
    assert_eq!((updated.resources, updated.restart.name.as_str()), (resources, "no"));
    let clash = sandbox.run_container("node1", "rogue", "nginx", vec![binding(None, 8080)]);
    assert_eq!(
        clash.unwrap_err().to_string(),
        "node1: start container rogue: Bind for 0.0.0.0:8080 failed: port is already allocated"
    );
    sandbox.rename_container("node1", "web", "gone").unwrap();
    assert_eq!(host.inspect_container("web").await.unwrap(), None);
    sandbox.remove_container("node1", "gone").unwrap();
    assert_eq!(host.inspect_container("gone").await.unwrap(), None);
    sandbox.start_container("node1", "rogue").unwrap();
}

#[tokio::test]
async fn files_by_hand() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    host.write_file(&write("/srv/site/index.html", "ours")).await.unwrap();
    sandbox.write_file("node1", "/srv/site/index.html", b"edited").unwrap();
    sandbox.change_file("node1", "/srv/site/index.html", Some("600"), None, Some("www")).unwrap();
    let stat = file(&*host, "/srv/site/index.html").await.unwrap();
    let seen = (stat.text.as_deref(), stat.mode.as_str(), stat.owner.as_str(), stat.group.as_str());
    assert_eq!(seen, (Some("edited"), "0600", "ops", "www"));
    let bad = sandbox.change_file("node1", "/srv/site/index.html", Some("rw"), None, None).unwrap_err();
    assert_eq!(bad.to_string(), "mode rw: a mode is octal, as in 0644");
    sandbox.remove_file("node1", "/srv/site/index.html").unwrap();
    assert_eq!(file(&*host, "/srv/site/index.html").await, None);
    sandbox.remove_inventory("node1", None).unwrap();
    assert_eq!(survey(&*host, &[]).await.inventory, None);
    assert!(sandbox.write_file("node1", "/etc", b"x").is_err());
}

#[tokio::test]
async fn networks_volumes_and_machines_by_hand() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    host.create_network("blue", &NetworkConfig::default()).await.unwrap();
    host.create_volume("data", &VolumeConfig::default()).await.unwrap();
    sandbox.remove_network("node1", "blue").unwrap();
    sandbox.remove_volume("node1", "data").unwrap();
    let before = survey(&*host, &[]).await.facts;
    let first = host.create_container("web", &web()).await.unwrap();
    sandbox.replace_machine("node1").unwrap();
    let after = survey(&*host, &[]).await.facts;
    assert_ne!(before.machine_id, after.machine_id);
    assert_ne!(before.engine_id, after.engine_id);
    assert!(sandbox.view().hosts["node1"].containers.is_empty());
    assert!(!host.has_image("web:1").await.unwrap());
    host.pull_image("web:1", None, &|_| {}).await.unwrap();
    assert_ne!(host.create_container("web", &web()).await.unwrap(), first);
}

#[tokio::test]
async fn a_clock_goes_wrong_on_one_host_only() {
    let sandbox = Sandbox::in_memory(1);
    for name in ["node1", "node2"] {
        connect(&sandbox, name).await.pull_image("web:1", None, &|_| {}).await.unwrap();
    }
    sandbox.set_clock("node1", -90).unwrap();
    assert_eq!(survey(&*connect(&sandbox, "node1").await, &[]).await.facts.clock_offset, -90);
    assert_eq!(survey(&*connect(&sandbox, "node2").await, &[]).await.facts.clock_offset, 0);
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_what_is_near() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    run(&*host, "web", &web()).await;
    host.write_file(&write("/srv/site", "x")).await.unwrap();
    let inventory = Some("11111111-our");
    for (result, what, help) in [
        (sandbox.stop_container("nod1", "web"), "host nod1", "did you mean node1?"),
        (sandbox.stop_container("node1", "wbe"), "container wbe on host node1", "did you mean web?"),
        (sandbox.remove_file("node1", "/srv/sit"), "file /srv/sit on host node1", "did you mean /srv/site?"),
        (
            sandbox.remove_inventory("node1", inventory),
            "inventory 11111111-our on host node1",
            "did you mean 11111111-ours?",
        ),
        (
            sandbox.remove_volume("node1", "data"),
            "volume data on host node1",
            "`hactl sandbox show` lists what there is",
        ),
        (
            sandbox.remove_network("node1", "blue"),
            "network blue on host node1",
            "`hactl sandbox show` lists what there is",
        ),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(&error, SandboxError::Unknown { what: unknown, .. } if unknown == what), "{error}");
        assert_eq!(error.help().as_deref(), Some(help));
    }
}
