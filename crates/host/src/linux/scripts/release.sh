# Then: the NAME of each entry whose resource is gone. The last one takes the inventory with it.
if [ ! -d "$own" ]; then
    echo ok
    exit 0
fi
lock
while IFS= read -r name; do
    rm -f -- "$own/entries/$name" "$own/originals/$name"
done
if rmdir -- "$own/entries" 2>/dev/null; then
    try rm -rf -- "$own"
    set -- "$root"/*/
    if [ ! -d "$1" ]; then
        made=$(cat "$root/.made" 2>/dev/null || echo "$root")
        rm -f -- "$root/.made"
        printf '%s\n' "$made" | sort -r | while IFS= read -r made; do rmdir -- "$made" 2>/dev/null; done
    fi
fi
echo ok
