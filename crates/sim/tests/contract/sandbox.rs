//! Each case's own sandbox.

use std::sync::Arc;

use hactl_core::Digest;
use hactl_host::PortBinding;
use hactl_sim::{Fault, Sandbox};

use crate::world::{Hands, Image, Place, World};

const NODE: &str = "node1";
const PLACE: Place = Place { node: NODE, address: "192.0.2.1", socket: None };

/// A world with a sandbox of its own: there is nothing to clean.
pub(crate) fn world(id: &str, index: u16) -> World {
    let sandbox = Sandbox::in_memory(u64::from(index));
    World::new(id, index, Arc::new(sandbox.clone()), PLACE, Box::new(sandbox))
}

impl Hands for Sandbox {
    fn put_file(&self, path: &str, content: &[u8], mode: &str, owner: &str, group: &str) {
        self.write_file(NODE, path, content).unwrap();
        self.change_file(NODE, path, Some(mode), Some(owner), Some(group)).unwrap();
    }

    fn remove_file(&self, path: &str) {
        self.remove_file(NODE, path).unwrap();
    }

    fn make_directory(&self, path: &str) {
        let inside = format!("{path}/file");
        self.write_file(NODE, &inside, b"").unwrap();
        self.remove_file(NODE, &inside).unwrap();
    }

    fn digest(&self, path: &str) -> Option<Digest> {
        Some(self.view().hosts.get(NODE)?.files.get(path)?.sha256)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.view().hosts.get(NODE).is_some_and(|host| host.directories.contains(path))
    }

    fn run_container(&self, name: &str, port: &PortBinding) {
        self.run_container(NODE, name, Image::Web.name(), vec![port.clone()]).unwrap();
    }

    fn remove_inventory(&self, lineage: &str) {
        self.remove_inventory(NODE, Some(lineage)).unwrap();
    }

    fn behave(&self, container: &str, image: Image) {
        let name = container.to_owned();
        let fault = match image {
            Image::Web | Image::Busybox => return,
            Image::Exits => Fault::ContainerExits { name, code: Image::EXIT_CODE },
            Image::Stubborn => Fault::IgnoresTerm { name },
            Image::Unhealthy => Fault::Unhealthy { name },
        };
        self.inject(Some(NODE), fault, 0, None).unwrap();
    }

    fn missing_page(&self, container: &str) -> String {
        self.behave(container, Image::Unhealthy);
        "/".to_owned()
    }

    fn fresh_image(&self) -> String {
        "172.30.0.2:5000/web:1.2".to_owned()
    }

    fn missing_image(&self) -> String {
        let image = "172.30.0.2:5000/web:none";
        self.inject(Some(NODE), Fault::PullFails { image: Some(image.to_owned()) }, 0, None).unwrap();
        image.to_owned()
    }

    fn clean(&self, _id: &str) {}
}
