//! Every node type of the engine keeps to what all must keep to.

use engine::nodes::ENGINE_NODES;
use engine::registry::Registry;
use engine::testing::TEST_NODES;
use engine::testing::compliance::Subject;

#[test]
fn every_node_type_complies() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(&[ENGINE_NODES, TEST_NODES]);
    for node_type in ENGINE_NODES {
        let subject = Subject::new(&registry, node_type);
        let subject = match node_type.name {
            // Its example names a folder that may not be there.
            "hash" => subject.config(format!("{{ path: \"{}\" }}", folder.path().join("packets.txt").display())),
            _ => subject,
        };
        subject.check().unwrap_or_else(|text| panic!("{text}"));
    }
}
