//! Where API servers differ, and hactl does not make up for it. Each is a case that fails there, as `TOPIC::CASE`, with the
//! reason; one that passes is an error of these lists.

/// Of the sandbox.
pub(crate) const OF_SANDBOX: &[(&str, &str)] =
    &[("cluster::refusing::unknown_fields_are_invalid", "it does not know the fields of types")];

/// Of Kubernetes 1.20, which the lab runs.
pub(crate) const OF_OLD_SERVERS: &[(&str, &str)] = &[
    (
        "cluster::refusing::a_port_needs_no_protocol",
        "ports without protocol cannot be merged before 1.21, so hactl sends it always",
    ),
    ("cluster::forms::amounts_may_be_numbers", "they have to be texts"),
    (
        "cluster::owning::every_conflict_is_named",
        "the last of several fields in one item is named in the place of the others",
    ),
    (
        "cluster::lists::items_keep_the_order_that_was_sent",
        "what is there keeps its order, and what is new comes after it",
    ),
];
