# Then, a line each: the entry's NAME, the ADDRESS, the path, whether a block is in the file afterwards (`yes` or `no`), the
# SHA-256 of the file as it was looked at (empty where there was none), the size of the new one in bytes (empty where it stays as
# it is); then the new one. Whoever looked has put its block in, or taken it out, so the rest is as it was.
# Answers `moved` as well, where the file is not what was looked at any more, `mounted`, where it cannot be replaced, and
# `held`, where a file resource has all of it.
IFS= read -r name
IFS= read -r address
IFS= read -r path
IFS= read -r stays
IFS= read -r seen
IFS= read -r size
lock
entry="$own/entries/$name"
if ! target=$(readlink -f -- "$path" 2>/dev/null) || [ ! -d "${target%/*}/" ]; then
    [ "$stays" = no ] || fail 'its directory does not exist'
    target=$path
fi
[ ! -d "$target" ] || fail 'is a directory'

if [ "$stays" = yes ] && grep -qxF -e "path $path" -e "path $target" "$root"/*/entries/* 2>/dev/null; then
    echo held
    exit 0
fi
now=
if [ -e "$target" ]; then
    now=$(sha256sum <"$target") || fail "$target: permission denied"
    now=${now%% *}
fi
if [ "$now" != "$seen" ]; then
    echo moved
    exit 0
fi
if [ -n "$now" ] && [ -n "$size" ] && cut -d ' ' -f 5 /proc/self/mountinfo | grep -qxF -- "$target"; then
    echo mounted
    exit 0
fi

before=$(cat "$entry" 2>/dev/null)
after="address $address"
[ "$stays" = no ] || after="$after
block $path"
check() {
    complaint=$("$@" 2>&1 >/dev/null) || {
        leave_stage
        # What is not written must not stay recorded.
        [ "$(cat "$entry" 2>/dev/null)" = "$before" ] || record "$entry" "${before:-address $address}"
        fail "$complaint"
    }
}

if [ -n "$size" ]; then
    enter_stage "${target%/*}" || fail "$complaint"
    # A copy first: so the new file has the old one's mode, owner and attributes.
    if [ -n "$now" ]; then check cp -a -- "$target" content; fi
    check fill
    durable content
fi
if [ "$stays" = yes ] && [ "$before" != "$after" ]; then record "$entry" "$after"; fi
if [ -n "$size" ]; then
    check mv -fT -- content "$target"
    leave_stage
    durable "${target%/*}/"
fi
if [ "$stays" = no ] && [ -n "$before" ] && [ "$before" != "$after" ]; then record "$entry" "$after"; fi
echo ok
