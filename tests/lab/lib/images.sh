# shellcheck shell=bash
# The images of the lab, made from Debian packages. They stay in the engine when the lab goes down: their tag is a
# digest of their sources, and what is there is not built again.

apps=(web:1.0 web:1.1 web:1.2 stubborn:1.0 stubborn:1.1 exits:1.0 unhealthy:1.0 library/busybox:1.36
    library/nginx:1.25 library/nginx:1.26 library/pause:1.0
    rancher/rancher:v2.0.8 rancher/rancher:v2.0.9 rancher/rancher:latest)
build_log="$lab/run/build.log"

# Digest of what the images and the hosts are made from.
lab_digest() {
    (cd "$source" && find hosts apps lib -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
}

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

build_images() {
    local tag="$1"
    # The registry is the last one made.
    if have_image "hactl-lab/registry:$tag"; then return; fi
    : >"$build_log"
    if ! have_image hactl-lab/debian:bookworm; then make_base; fi
    say "building the hosts' images"
    build hosts bastion "hactl-lab/bastion:$tag"
    build hosts node "hactl-lab/node:$tag"
    build hosts podman "hactl-lab/podman:$tag"
    build hosts kube "hactl-lab/kube:$tag"
    build hosts worker "hactl-lab/worker:$tag"
    build hosts registry hactl-lab/registry:empty
    say "building ${#apps[@]} images for tests"
    local app stage
    for app in "${apps[@]}"; do
        stage="${app##*/}"
        build apps "${stage%:*}" "hactl-lab/apps/$app" --build-arg "VERSION=${app##*:}"
    done
    say "filling the registry"
    fill_registry "hactl-lab/registry:$tag"
    docker images --format '{{.Repository}}:{{.Tag}}' | grep -E '^hactl-lab/(bastion|node|podman|kube|worker|registry):' \
        | grep -vE ":($tag|empty)$" | xargs -r docker rmi >>"$build_log" 2>&1 || true
}

# FOLDER STAGE IMAGE [OPTION…]
build() {
    docker build --network host --force-rm --target "$2" --tag "$3" "${@:4}" "$source/$1" >>"$build_log" 2>&1 \
        || fail_with "$build_log" "docker build of stage $2 in tests/lab/$1/Dockerfile failed"
}

# Debian's smallest system, made in a directory of its own: a run that was killed leaves one that the next removes.
make_base() {
    command -v debootstrap >/dev/null || install_packages debootstrap
    say "installing Debian for the images (about a minute)"
    local root="$lab/debian"
    remove_base "$root"
    as_root debootstrap --variant=minbase bookworm "$root" "${HACTL_LAB_MIRROR:-http://deb.debian.org/debian}" \
        >>"$build_log" 2>&1 || fail_with "$build_log" "debootstrap failed"
    as_root rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists" "$root/etc/machine-id"
    as_root mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
    as_root tar -C "$root" --one-file-system -c . | docker import - hactl-lab/debian:bookworm >>"$build_log" \
        || fail_with "$build_log" "docker import of Debian failed"
    remove_base "$root"
}

remove_base() {
    unmount_below "$1"
    as_root rm -rf --one-file-system "$1"
}

# Pushes every app into an empty registry and keeps the filled one as an image. It listens on a free port of loopback.
fill_registry() {
    docker rm -f hactl-lab-fill >/dev/null 2>&1 || true
    docker run -d --name hactl-lab-fill --label hactl-lab --network host -e REGISTRY_HTTP_ADDR=127.0.0.1:0 \
        -e REGISTRY_LOG_LEVEL=info hactl-lab/registry:empty >>"$build_log" 2>&1 \
        || fail_with "$build_log" "the registry cannot be run"
    local address=""
    for _ in $(seq 100); do
        address="$(docker logs hactl-lab-fill 2>&1 | grep -oE 'listening on 127.0.0.1:[0-9]+' | head -1 | cut -d' ' -f3)" && break
        sleep 0.1
    done
    if [ -z "$address" ]; then
        docker logs hactl-lab-fill >>"$build_log" 2>&1
        fail_with "$build_log" "the registry does not start"
    fi
    local app name
    for app in "${apps[@]}"; do
        # Docker Hub has what is called web:1.0 as library/web:1.0.
        for name in "$app" "library/$app"; do
            case "$name" in library/*/*) continue ;; esac
            docker tag "hactl-lab/apps/$app" "$address/$name"
            docker push "$address/$name" >>"$build_log" 2>&1 || fail_with "$build_log" "push of $name failed"
            docker rmi "$address/$name" >>"$build_log" 2>&1
        done
    done
    docker stop hactl-lab-fill >/dev/null
    docker commit --change 'ENV REGISTRY_HTTP_ADDR=:5000 REGISTRY_LOG_LEVEL=warn' hactl-lab-fill "$1" >/dev/null
    docker rm hactl-lab-fill >/dev/null
}
