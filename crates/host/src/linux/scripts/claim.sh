# Then: the stack's name, the serial of the state at hand, the serial to come, then `FROM TO ADDRESS` of each entry that is
# to have another name and address, an empty line, then `NAME ADDRESS` of each resource about to be touched. Refuses where
# the host was touched from a newer state.

# The entry $1 with the address $2. What is neither file nor block may carry a label, which keeps the address before.
moved() {
    printf 'address %s\n' "$2"
    {
        grep -q -e '^path ' -e '^block ' "$1" || sed -n 's/^address /label /p' "$1"
        sed '/^address /d' "$1"
    } | grep -vxF -- "label $2"
}

IFS= read -r stack
IFS= read -r parent
IFS= read -r serial
lock
last=$(cat "$own/serial" 2>/dev/null || echo 0)
case $last in '' | *[!0-9]*) fail "$own/serial: holds no serial; if no newer state than the one at hand exists, remove it" ;; esac
if [ "$last" -gt "$parent" ]; then
    printf 'fenced %s\n' "$last"
    exit 0
fi
try mkdir -p -- "$own/entries"
while read -r from to address && [ -n "$from" ]; do
    before="$own/entries/$from"
    [ -s "$before" ] || continue
    # Each step may be the second try of one that was cut short.
    if ! grep -qx original "$before"; then
        rm -f -- "$own/originals/$to"
    elif exists "$own/originals/$from"; then
        try mv -fT -- "$own/originals/$from" "$own/originals/$to"
        durable "$own/originals"
    fi
    record "$own/entries/$to" "$(moved "$before" "$address")"
    try rm -f -- "$before"
    durable "$own/entries"
done
set --
while read -r name address; do
    if [ ! -s "$own/entries/$name" ]; then
        printf 'address %s\n' "$address" >"$own/entries/$name" || fail "$own/entries: cannot be written"
        set -- "$@" "$own/entries/$name"
    fi
done
[ "$#" -eq 0 ] || durable "$@" "$own/entries"
[ "$(cat "$own/stack" 2>/dev/null)" = "$stack" ] || record "$own/stack" "$stack"
record "$own/serial" "$serial"
echo ok
