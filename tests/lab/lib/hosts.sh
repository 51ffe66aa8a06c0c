# shellcheck shell=bash
# The hosts of the lab: containers on one network that reaches nothing but itself and this machine.

network=hactl-lab
nodes=(node1 node2 node3 lb1)
kubernetes_hosts=(kube worker1 worker2)

# Sets ssh_hosts and hosts to what the lab consists of at the moment.
list_hosts() {
    ssh_hosts=(bastion "${nodes[@]}" podman)
    if has_kubernetes; then ssh_hosts+=("${kubernetes_hosts[@]}"); fi
    hosts=(registry registry-auth "${ssh_hosts[@]}")
}

address_of() {
    case "$1" in
        registry) echo 172.30.0.2 ;;
        registry-auth) echo 172.30.0.3 ;;
        bastion) echo 172.30.0.5 ;;
        lb1) echo 172.30.0.10 ;;
        node1) echo 172.30.0.11 ;;
        node2) echo 172.30.0.12 ;;
        node3) echo 172.30.0.13 ;;
        podman) echo 172.30.0.14 ;;
        kube) echo 172.30.0.20 ;;
        worker1) echo 172.30.0.21 ;;
        worker2) echo 172.30.0.22 ;;
        *) return 1 ;;
    esac
}

# TAG. Returns when every host runs and answers, and the ssh files say how to reach them.
start_hosts() {
    local tag="$1" host label
    make_key
    # A host of another version of the lab, or that knows another key, is made anew.
    label="$tag-$(sha256sum <"$ssh/id_ed25519.pub" | cut -c1-8)"
    docker network inspect "$network" >/dev/null 2>&1 \
        || docker network create --label hactl-lab --internal --subnet 172.30.0.0/24 --gateway 172.30.0.1 \
            --opt "com.docker.network.bridge.name=$bridge" "$network" >/dev/null \
        || fail "network 172.30.0.0/24 cannot be made; is another one in the way? ip route shows it"
    open_bridge
    each start_host "$tag" "$label" -- "${hosts[@]}"
    each await_host -- "${hosts[@]}"
    write_ssh_files
}

# FUNCTION [ARGUMENT…] -- HOST…: calls the function for all hosts at once, with the host as last argument.
each() {
    local call=() pids=() pid failed=""
    while [ "$1" != -- ]; do call+=("$1") && shift; done
    shift
    local host
    for host in "$@"; do
        "${call[@]}" "$host" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=yes; done
    [ -z "$failed" ]
}

# TAG LABEL HOST
start_host() {
    local tag="$1" label="$2" host="$3" name="hactl-lab-$3" is
    local volumes=()
    case "$host" in
        kube | worker*)
            label+="-$(sha256sum <"$pki/ca.crt" | cut -c1-8)"
            volumes=(--volume "$servers:/lab/servers:ro" --volume "$pki:/lab/pki:ro")
            ;;
    esac
    is="$(docker inspect -f '{{index .Config.Labels "hactl-lab"}} {{.State.Status}}' "$name" 2>/dev/null)" || is=""
    case "$is" in
        "$label running") return ;;
        "$label paused") docker unpause "$name" >/dev/null && return ;;
        "$label exited" | "$label created") if docker start "$name" >/dev/null 2>&1; then return; fi ;;
    esac
    if [ -n "$is" ]; then docker rm -fv "$name" >/dev/null; fi
    docker volume rm -f "$name" >/dev/null
    local options=(--detach --name "$name" --label "hactl-lab=$label" --hostname "$host"
        --network "$network" --network-alias "$host" --ip "$(address_of "$host")" --dns "$(address_of "$host")")
    case "$host" in
        registry) docker run "${options[@]}" "hactl-lab/registry:$tag" ;;
        registry-auth) docker run "${options[@]}" "hactl-lab/registry:$tag" docker-registry serve /lab/registry-auth.yml ;;
        bastion | kube)
            docker run "${options[@]}" --tmpfs /run -e LAB_KEY="$(cat "$ssh/id_ed25519.pub")" "${volumes[@]}" \
                "hactl-lab/$host:$tag"
            ;;
        *)
            local image=node data=/var/lib/docker
            case "$host" in
                podman) image=podman data=/var/lib/containers ;;
                worker*) image=worker ;;
            esac
            # As much as an engine inside needs, and no more: where a CI machine withholds CAP_SYS_RESOURCE,
            # --privileged fails.
            docker volume create --label hactl-lab "$name" >/dev/null
            docker run "${options[@]}" --tmpfs /run:exec -e LAB_KEY="$(cat "$ssh/id_ed25519.pub")" \
                --cap-add ALL --cap-drop SYS_RESOURCE --cgroupns private --device-cgroup-rule 'a *:* rwm' \
                --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
                --security-opt systempaths=unconfined --volume "$name:$data" "${volumes[@]}" "hactl-lab/$image:$tag"
            ;;
    esac >/dev/null || fail "$host cannot be started"
}

# Prints nothing; leaves the host key of a host with sshd in run/HOST.key.
await_host() {
    docker exec "hactl-lab-$1" /lab/ready >"$lab/run/$1.key" && return
    docker logs --tail 20 "hactl-lab-$1" >&2 || true
    fail "$1 is not ready; above are the last lines of: docker logs hactl-lab-$1"
}

make_key() {
    mkdir -p "$ssh"
    chmod 0700 "$ssh"
    if [ -s "$ssh/id_ed25519" ] && [ -s "$ssh/id_ed25519.pub" ]; then return; fi
    rm -f "$ssh/id_ed25519" "$ssh/id_ed25519.pub" "$ssh/new" "$ssh/new.pub"
    ssh-keygen -q -t ed25519 -N '' -C hactl-lab -f "$ssh/new"
    mv "$ssh/new" "$ssh/id_ed25519"
    mv "$ssh/new.pub" "$ssh/id_ed25519.pub"
}

write_ssh_files() {
    local host
    for host in "${ssh_hosts[@]}"; do
        echo "$(address_of "$host"),$host $(cat "$lab/run/$host.key")"
    done >"$ssh/known_hosts.new"
    {
        echo "# Of the hactl lab. The names of the hosts lead to them only by way of the bastion:"
        echo "#   ssh -F $ssh/config -J bastion node1"
        echo "Host bastion"
        echo "    HostName $(address_of bastion)"
        for host in "${ssh_hosts[@]}"; do
            printf 'Host lab-%s\n    HostName %s\n    HostKeyAlias %s\n' "$host" "$(address_of "$host")" "$host"
        done
        echo "Host 172.30.0.* ${ssh_hosts[*]} lab-*"
        printf '    User ops\n    IdentityFile "%s"\n    IdentitiesOnly yes\n    UserKnownHostsFile "%s"\n' \
            "$ssh/id_ed25519" "$ssh/known_hosts"
    } >"$ssh/config.new"
    mv "$ssh/known_hosts.new" "$ssh/known_hosts"
    mv "$ssh/config.new" "$ssh/config"
}

# Everything of the lab in the engine but the images.
remove_hosts() {
    docker ps -aq --filter label=hactl-lab | xargs -r docker rm -fv >/dev/null
    docker network ls -q --filter label=hactl-lab | xargs -r docker network rm >/dev/null
    docker volume ls -q --filter label=hactl-lab | xargs -r docker volume rm >/dev/null
}
