# Every script begins with this. POSIX sh with the tools of coreutils or busybox.
# Standard input: the directory of inventories and the stack's lineage, a line each, then what the script says.
# Standard output: `ok`, `conflict`, `fenced SERIAL` or `error REASON`, then what the script says.
#
# An inventory is a directory:
#   stack, serial       the stack's name; the serial of the last state that touched the host
#   entries/NAME        one resource: lines `address A`, and for a file `path P`, `directory D` for each directory
#                       made for it, outermost first, and `original` where a file was adopted; for a block in a file
#                       of others `block P`; for the rest `label A` for each address that it had before
#   originals/NAME      what the adopted file was before
# Beside the inventories, `.made` lists the directories that were made for all of them, outermost first.
set -u
umask 022
export LC_ALL=C

fail() {
    printf 'error %s\n' "$*"
    exit 0
}

# Runs a command for its effect; what it complains of ends the script.
try() {
    complaint=$("$@" 2>&1 >/dev/null) || fail "$complaint"
}

# Makes files and directories survive a power cut, as far as the host's sync can do that for single ones.
durable() {
    sync -- "$@" 2>/dev/null || sync
}

exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

# Makes the directory of inventories, and notes there which directories were made for it.
make_root() {
    made=
    above=$root
    while [ -n "$above" ] && [ ! -d "$above" ]; do
        made="$above
$made"
        above=${above%/*}
    done
    try mkdir -p -- "$root"
    [ -z "$made" ] || printf '%s' "$made" >"$root/.made" || fail "$root/.made: cannot be written"
}

# One script at a time changes inventories and their files. The last release removes the directory that is locked, so what
# was waited for may be gone.
lock() {
    for again in yes yes yes no; do
        make_root
        command exec 9<"$root" || continue
        command -v flock >/dev/null || fail 'flock is missing on the host: install util-linux'
        flock -w 60 9 || fail "another run of hactl has been writing to $root for 60 s"
        if [ "$again" = no ] || [ "$root" -ef /proc/self/fd/9 ]; then return 0; fi
    done
    fail "$root: cannot be locked"
}

# Makes and enters a directory of our own in the directory $1; fails with a complaint. Whoever owns $1 may put anything
# under any name there, and get a link of theirs written to; in here nobody can.
stage=
enter_stage() {
    stage="$1/.hactl-new"
    complaint=$(rm -rf -- "$stage" 2>&1 && mkdir -m 700 -- "$stage" 2>&1) || return 1
    complaint="$stage: is not what was made there"
    cd -- "$stage" || return 1
    case $(stat -c '%u %a' .) in "$(id -u) 700" | "$(id -u) 2700") ;; *) return 1 ;; esac
}

leave_stage() {
    cd /
    rm -rf -- "$stage"
}

# Fills the file `content` with so many bytes of the input as `$size` says; fails with a complaint.
fill() {
    head -c "$size" >content || return 1
    [ "$(wc -c <content)" -eq "$size" ] || {
        echo 'the connection ended before all of it came' >&2
        return 1
    }
}

# Replaces a file of the inventory by the text in $2.
record() {
    try mkdir -p -- "${1%/*}"
    printf '%s\n' "$2" >"$own/.new" || fail "$own/.new: cannot be written"
    durable "$own/.new"
    try mv -f -- "$own/.new" "$1"
    durable "${1%/*}"
}

field() {
    [ ! -f "$2" ] || sed -n "s/^$1 //p" "$2"
}

IFS= read -r root
IFS= read -r lineage
own="$root/$lineage"
