# Then, a line each: the entry's NAME, the ADDRESS, the path, the mode, owner and group (empty where not given), whether to
# adopt, whether state holds the file, whether it must be on a tmpfs (`yes` or `no`), the size in bytes, the SHA-256 where it is to be checked; then the content.
# Without a size nothing is written: the file that is there is recorded.
# Answers `changed` as well, where the content has another one, `disk`, where it would not be on a tmpfs, and `gone`, where there
# is no file to be recorded.
IFS= read -r name
IFS= read -r address
IFS= read -r path
IFS= read -r mode
IFS= read -r owner
IFS= read -r group
IFS= read -r adopt
IFS= read -r owned
IFS= read -r tmpfs
IFS= read -r size
IFS= read -r sha256
lock
entry="$own/entries/$name"
original="$own/originals/$name"
parent=${path%/*}

[ ! -d "$path" ] || fail 'is a directory'
if [ -z "$size" ] && [ ! -e "$path" ]; then
    echo gone
    exit 0
fi
missing=
parents=
above=$parent
while [ -n "$above" ]; do
    parents="directory $above
$parents"
    if [ ! -d "$above" ]; then
        ! exists "$above" || fail 'not a directory'
        missing="directory $above
$missing"
    fi
    above=${above%/*}
done

holder=$(grep -lxF -- "path $path" "$own"/entries/* 2>/dev/null | head -n 1)
held=$(field path "$entry")
if [ -n "$held" ] && [ "$held" != "$path" ] && exists "$held"; then
    fail "$address still has the file $held, which must be removed first"
fi

flag=
if [ -n "$holder" ]; then
    if grep -qx original "$holder"; then
        flag=original
        # A write that was cut short may have moved it already.
        old="$own/originals/${holder##*/}"
        if [ "$holder" != "$entry" ] && exists "$old"; then try mv -f -- "$old" "$original"; fi
    fi
else
    foreign=$(grep -lxF -- "path $path" "$root"/*/entries/* 2>/dev/null | head -n 1)
    if [ "$owned" = no ] && exists "$path"; then foreign=$path; fi
    if [ -n "$foreign" ] && [ "$adopt" = no ]; then
        echo conflict
        exit 0
    fi
    if [ -n "$foreign" ] && exists "$path"; then
        try mkdir -p -m 700 -- "$own/originals"
        try cp -a -- "$path" "$original.new"
        durable "$original.new"
        try mv -f -- "$original.new" "$original"
        durable "$own/originals"
        flag=original
    fi
fi

before=$(cat "$entry" 2>/dev/null)
# Those that other files of the stack had made are recorded as well: whoever goes last removes them.
directories=$({
    sed -n '/^directory /p' "$entry" "${holder:-$entry}" 2>/dev/null
    find "$own/entries" -type f -exec grep -hxF -- "$parents" {} + 2>/dev/null
    printf '%s' "$missing"
} | sort -u)
after=$(printf '%s\n' "address $address" "path $path" "$directories" "$flag" | sed '/^$/d')
[ "$before" = "$after" ] || record "$entry" "$after"
if [ -n "$holder" ] && [ "$holder" != "$entry" ]; then
    record "$holder" "address $(field address "$holder")"
fi

if [ -z "$size" ]; then
    echo ok
    exit 0
fi

# Leaves the host as it was before: what is not written must not stay recorded.
undo() {
    leave_stage
    printf '%s' "$missing" | sort -r | while IFS= read -r made; do rmdir -- "${made#directory }" 2>/dev/null; done
    if [ "$before" != "$after" ] && [ -z "$holder" ]; then
        record "$entry" "${before:-address $address}"
        rm -f -- "$original"
    fi
    fail "${1:-}"
}
check() {
    complaint=$("$@" 2>&1 >/dev/null) || undo "$complaint"
}
own_by() {
    if [ -n "$group" ] || [ -z "$owner" ]; then
        chown -- "$owner:$group" content
    else
        # With its login group; a number without a name has none.
        chown -- "$owner:" content 2>/dev/null || chown -- "$owner:$owner" content
    fi
}
check mkdir -p -- "$parent/"
if [ "$tmpfs" = yes ] && [ "$(stat -f -c %T -- "$parent/")" != tmpfs ]; then
    fail() {
        echo disk
        exit 0
    }
    undo
fi
enter_stage "$parent" || undo "$complaint"
check fill
if [ -n "$sha256" ] && [ "$(sha256sum <content)" != "$sha256  -" ]; then
    fail() {
        echo changed
        exit 0
    }
    undo
fi
[ -z "$owner$group" ] || check own_by
check chmod -- "$mode" content
durable content
check mv -fT -- content "$path"
leave_stage
durable "$parent/"
echo ok
