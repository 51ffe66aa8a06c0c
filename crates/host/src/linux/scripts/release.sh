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
    rmdir -- "$root" 2>/dev/null
fi
echo ok
