# shellcheck shell=bash
# The Docker Engine that carries the lab: the one at the default socket if it answers, else one of our own. Which of them
# is written down while the lab is up, so that an engine that appears later changes nothing.

engine_file="$lab/run/docker-host"
own_engine="unix://$lab/run/docker.sock"
bridge=hactl-lab
bridge_rule=(FORWARD -i "$bridge" -o "$bridge" -j ACCEPT)

engine_answers() { docker version >/dev/null 2>&1; }

# Sets DOCKER_HOST and starts the engine if it is our own and does not run.
use_engine() {
    mkdir -p "$lab/run"
    if [ ! -s "$engine_file" ]; then
        if DOCKER_HOST=unix:///var/run/docker.sock engine_answers; then
            echo unix:///var/run/docker.sock >"$engine_file"
        else
            echo "$own_engine" >"$engine_file"
        fi
    fi
    DOCKER_HOST="$(cat "$engine_file")"
    export DOCKER_HOST
    if engine_answers; then return; fi
    if [ "$DOCKER_HOST" != "$own_engine" ]; then
        fail "the Docker Engine at $DOCKER_HOST, which carries the lab, does not answer; start it, or forget it with: rm -r $lab/run"
    fi
    start_own_engine
}

# The process id of our engine, if it runs. A process id that another program has by now does not count.
own_engine_pid() {
    local pid
    pid="$(cat "$lab/run/dockerd.pid" 2>/dev/null)" || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "--host $own_engine" || return 1
    echo "$pid"
}

# Without a bridge of its own, address translation or forwarding, it changes nothing on this machine but the lab's one
# bridge, and stays out of the way of another engine.
start_own_engine() {
    if ! own_engine_pid >/dev/null; then
        say "starting a Docker Engine"
        command -v dockerd >/dev/null || install_packages docker.io
        clear_own_engine
        # The lock of this script must not live on in it.
        as_root setsid --fork dockerd --host "$own_engine" --group "$(id -g)" --data-root "$lab/engine" \
            --exec-root "$lab/run/exec" --pidfile "$lab/run/dockerd.pid" --storage-driver overlay2 \
            --bridge none --iptables=false --ip-masq=false --ip-forward=false \
            </dev/null >"$lab/run/dockerd.log" 2>&1 9>&-
    fi
    for _ in $(seq 300); do
        if engine_answers; then return; fi
        sleep 0.1
    done
    tail -n 20 "$lab/run/dockerd.log" >&2
    fail "the Docker Engine of the lab does not answer after 30 s; its log is $lab/run/dockerd.log"
}

# Another engine on this machine may have closed forwarding, also between hosts of one bridge.
open_bridge() {
    if [ "$DOCKER_HOST" != "$own_engine" ]; then return; fi
    as_root iptables -C "${bridge_rule[@]}" 2>/dev/null || as_root iptables -I "${bridge_rule[@]}"
}

# Ends what an engine that was killed left running, as a reboot would, so that the next one finds its containers stopped
# and not half alive.
clear_own_engine() {
    local shim
    { pgrep -f -- "-address $lab/run/exec/containerd/containerd.sock" || true; } | while read -r shim; do
        pgrep -P "$shim" | as_root xargs -r kill -9 || true
        as_root kill -9 "$shim" || true
    done
    unmount_below "$lab/run"
    unmount_below "$lab/engine"
    as_root rm -rf --one-file-system "$lab/run/exec"
    as_root rm -f "$lab/run/dockerd.pid" "$lab/run/docker.sock"
}

stop_own_engine() {
    while as_root iptables -D "${bridge_rule[@]}" 2>/dev/null; do :; done
    local pid
    pid="$(own_engine_pid)" || return 0
    say "stopping the Docker Engine"
    as_root kill "$pid"
    for _ in $(seq 300); do
        if [ ! -e "/proc/$pid" ]; then return; fi
        sleep 0.1
    done
    as_root kill -9 "$pid"
    say "it did not stop within 30 s and was killed"
}
