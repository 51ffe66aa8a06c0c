# Then, a line each: the entry's NAME, the path, whether state holds the file (`yes` or `no`).
IFS= read -r name
IFS= read -r path
IFS= read -r owned
lock
entry="$own/entries/$name"
original="$own/originals/$name"

if [ -n "$(field path "$entry")" ] && [ "$(field path "$entry")" = "$path" ]; then
    [ ! -d "$path" ] || fail 'is a directory'
    if [ -e "$original" ] || [ -L "$original" ]; then
        try mkdir -p -- "${path%/*}/"
        enter_stage "${path%/*}" || fail "$complaint"
        try cp -a -- "$original" content
        durable content
        try mv -fT -- content "$path"
        leave_stage
    else
        try rm -f -- "$path"
        rm -rf -- "${path%/*}/.hactl-new"
    fi
    field directory "$entry" | sort -r | while IFS= read -r made; do rmdir -- "$made" 2>/dev/null; done
    record "$entry" "address $(field address "$entry")"
    rm -f -- "$original"
    echo ok
elif ! exists "$path"; then
    echo ok
elif [ "$owned" = yes ] && ! grep -qxF -- "path $path" "$root"/*/entries/* 2>/dev/null; then
    [ ! -d "$path" ] || fail 'is a directory'
    try rm -f -- "$path"
    echo ok
elif [ -f "$entry" ] && [ -z "$(field path "$entry")" ]; then
    echo ok
else
    echo conflict
fi
