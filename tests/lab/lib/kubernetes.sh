# shellcheck shell=bash
# The Kubernetes cluster of the lab: its servers, built once per machine; its certificates, of which there are some from the
# first `scripts/lab kubernetes` until `down`, which makes the cluster a part of the lab; and its readiness.

kubernetes_version=1.20.2
servers="$lab/servers/kubernetes-$kubernetes_version"
cluster="$lab/kubernetes"
pki="$cluster/pki"
workers=(worker1 worker2)
builder=hactl-lab-builder

has_kubernetes() { [ -d "$pki" ]; }

# Makes the cluster a part of the lab, if it is none yet, with everything that its hosts need to start.
add_kubernetes() {
    command -v kubectl >/dev/null || install_packages kubernetes-client
    build_kubernetes
    if has_kubernetes; then return; fi
    make_pki
    list_hosts
}

# The build goes on in its container if this script is killed, and is found by the next run; an interrupt ends it.
build_kubernetes() {
    local running
    running="$(docker inspect -f '{{.State.Running}}' "$builder" 2>/dev/null)" || true
    if [ "$running" != true ]; then docker rm -f "$builder" >/dev/null 2>&1 || true; fi
    if [ -d "$servers" ]; then return; fi
    if [ "$running" != true ]; then
        mkdir -p "${servers%/*}"
        docker run --detach --name "$builder" --label hactl-lab --network host --volume "${servers%/*}:/out" \
            --volume "$source/kubernetes/build:/lab/build:ro" hactl-lab/debian:bookworm \
            /lab/build "$kubernetes_version" >/dev/null || fail "the build of Kubernetes cannot be started"
    fi
    say "building Kubernetes $kubernetes_version from Debian's sources (once; 7 minutes with two cores)"
    trap 'docker rm -f "$builder" >/dev/null; exit 130' INT TERM HUP
    docker wait "$builder" >/dev/null &
    wait $!
    trap - INT TERM HUP
    docker logs "$builder" >"$build_log" 2>&1
    docker rm -f "$builder" >/dev/null
    [ -d "$servers" ] || fail_with "$build_log" "the build of Kubernetes failed"
}

# NAME SUBJECT [OPENSSL-OPTION…]: a key and a certificate in the directory pki.new.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "$2" \
        -config <(printf '[req]\ndistinguished_name = none\n[none]\n') -addext subjectKeyIdentifier=hash \
        -keyout "$pki.new/$1.key" -out "$pki.new/$1.crt" "${@:3}" >>"$build_log" 2>&1 \
        || fail_with "$build_log" "openssl cannot make the certificate of $1"
}

# NAME SUBJECT: a client certificate, and a kubeconfig with it.
client() {
    certificate "$1" "$2" "${signed[@]}" -addext extendedKeyUsage=clientAuth
    kubeconfig "client-certificate-data: $(base64 -w0 <"$pki.new/$1.crt"), client-key-data: $(base64 -w0 <"$pki.new/$1.key")" \
        >"$pki.new/$1.kubeconfig"
}

# CREDENTIALS: prints a kubeconfig.
kubeconfig() {
    cat <<YAML
apiVersion: v1
kind: Config
clusters:
- name: hactl-lab
  cluster: {server: "https://$(address_of kube):6443", certificate-authority-data: $(base64 -w0 <"$pki.new/ca.crt")}
users:
- name: hactl-lab
  user: {$1}
contexts:
- name: hactl-lab
  context: {cluster: hactl-lab, user: hactl-lab}
current-context: hactl-lab
YAML
}

# Makes every key, certificate, token and kubeconfig at once, or nothing.
make_pki() {
    command -v openssl >/dev/null || install_packages openssl
    local signed=(-CA "$pki.new/ca.crt" -CAkey "$pki.new/ca.key" -addext "basicConstraints=critical,CA:false") worker token
    rm -rf "$pki.new"
    mkdir -p "$cluster"
    chmod 0700 "$cluster"
    (
        umask 077
        mkdir "$pki.new"
        certificate ca "/CN=hactl-lab" -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign
        certificate apiserver "/CN=kube-apiserver" "${signed[@]}" -addext extendedKeyUsage=serverAuth -addext \
            "subjectAltName=IP:$(address_of kube),IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kube,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
        client admin "/O=system:masters/CN=admin"
        client kube-controller-manager "/CN=system:kube-controller-manager"
        client kube-scheduler "/CN=system:kube-scheduler"
        for worker in "${workers[@]}"; do client "$worker" "/O=system:nodes/CN=system:node:$worker"; done
        openssl ecparam -name prime256v1 -genkey -noout -out "$pki.new/accounts.key"
        token="$(openssl rand -hex 16)"
        echo "$token,admin-token,admin-token,\"system:masters\"" >"$pki.new/tokens.csv"
        kubeconfig "token: \"$token\"" >"$pki.new/admin-token.kubeconfig"
        token="$(openssl rand -hex 16)"
        echo "$token,limited,limited" >>"$pki.new/tokens.csv"
        kubeconfig "token: \"$token\"" >"$pki.new/limited.kubeconfig"
    )
    mv "$pki.new" "$pki"
}

admin() { kubectl --kubeconfig "$pki/admin.kubeconfig" --request-timeout 10s "$@"; }

# Returns when pods can be made and run; then the files that say how to reach the cluster are there.
await_cluster() {
    local file
    each await_worker -- "${workers[@]}"
    for _ in $(seq 150); do
        if admin -n default get secret -o name 2>/dev/null | grep -q default-token; then break; fi
        sleep 0.2
    done
    for file in ca.crt admin.kubeconfig admin-token.kubeconfig limited.kubeconfig; do
        cp "$pki/$file" "$cluster/$file.new"
        mv "$cluster/$file.new" "$cluster/$file"
    done
}

# A kubelet whose node was deleted, or with which the server answered too late, makes its node when it starts again.
await_worker() {
    local log="$lab/run/$1.log"
    if ! admin get node "$1" >"$log" 2>&1; then docker exec "hactl-lab-$1" /lab/kubelet restart; fi
    for _ in $(seq 150); do
        if admin wait --for condition=Ready --timeout 30s "node/$1" >"$log" 2>&1; then
            admin uncordon "$1" >/dev/null && return
        fi
        sleep 0.2
    done
    docker logs --tail 20 "hactl-lab-$1" >&2
    fail_with "$log" "$1 does not become a ready node of the cluster; above are the last lines of: docker logs hactl-lab-$1; and"
}
