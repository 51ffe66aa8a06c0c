//! Where Podman differs from Docker Engine, and hactl does not make up for it.

/// Cases that fail on Podman 4.3, as `TOPIC::CASE`, each with the reason. What a user may notice is in `docs/hosts.md`.
/// One that passes is an error of this list.
pub(crate) const DIFFERENCES: &[(&str, &str)] = &[
    ("survey::facts_say_what_the_host_is", "the engine has no id: each answer has a new one"),
    ("containers::a_name_of_one_letter_is_refused", "such names are fine"),
    ("containers::limits_and_restarts_change_in_place", "there is no request for it"),
    ("containers::a_stopped_container_is_updated", "there is no request for it"),
    ("containers::a_bad_limit_is_refused", "memory below 6 MiB and retries with the policy `always` are fine"),
    ("config::every_field_comes_back", "some fields are shown in other words or with additions, some not at all"),
    ("config::special_modes_come_back", "the ipc mode `host` is in force, and shown as `shareable`"),
    ("config::ulimits_are_in_force", "it sets nproc as well, to more than hosts of the lab may have"),
    ("starting::an_unknown_network_is_refused", "it is refused earlier, when the container is created"),
    ("starting::a_bind_source_below_a_file_is_refused", "it is refused earlier, when the container is created"),
    ("engine::a_network_in_use_stays", "a stopped container uses its network, too"),
    ("engine::predefined_networks_are_the_engine_s", "`host` and `none` are modes and not listed as networks"),
    ("health::a_healthcheck_that_passes", "timers of systemd run healthchecks, and hosts of the lab have no systemd"),
    ("health::a_healthcheck_that_fails", "timers of systemd run healthchecks, and hosts of the lab have no systemd"),
];
