# Then: the largest size in bytes of texts, the paths of texts, an empty line, the paths of files to look at, a line each.
# Answers `ok`, and lines that begin with a word: `fact NAME VALUE`, `lineage L` with `stack`, `serial` and the entries of
# that inventory below it, `whole BASE64 PATH` for a text, `file MODE BITS OWNER UID GROUP GID PATH`, `sum SHA256  PATH`,
# `denied PATH`.
IFS= read -r most
texts=
while IFS= read -r path && [ -n "$path" ]; do
    texts="$texts$path
"
done
paths=$(cat)

printf 'ok\nfact clock %s\n' "$(date +%s)"
printf 'fact os %s\n' "$(. /etc/os-release 2>/dev/null && printf '%s' "${PRETTY_NAME:-}")"
printf 'fact system %s\n' "$(uname -m -r)"
printf 'fact hostname %s\n' "$(uname -n)"
printf 'fact machineId %s\n' "$(cat /etc/machine-id 2>/dev/null)"
printf 'fact cpus %s\n' "$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc)"
printf 'fact memory %s\n' "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"

data=/var/lib/docker
while [ -n "$data" ] && [ ! -d "$data" ]; do data=${data%/*}; done
printf 'fact disk %s\n' "$(df -Pk -- "${data:-/}" | tail -n 1)"

for inventory in "$root"/*/; do
    [ -d "$inventory/entries" ] || continue
    printf 'lineage %s\n' "$(basename "$inventory")"
    printf 'stack %s\nserial %s\n' "$(cat "$inventory/stack" 2>/dev/null)" "$(cat "$inventory/serial" 2>/dev/null)"
    find "$inventory/entries" -type f -exec grep -h '' {} +
done

printf '%s' "$texts" | while IFS= read -r path; do
    if [ ! -f "$path" ]; then
        continue
    elif [ -r "$path" ]; then
        printf 'whole %s %s\n' "$(head -c "$most" -- "$path" | base64 | tr -d '\n')" "$path"
    else
        printf 'denied %s\n' "$path"
    fi
done

[ -n "$paths" ] || exit 0
listed() { printf '%s\n' "$1" | tr '\n' '\0'; }
found=$(listed "$paths" | xargs -0 stat -L -c 'file %f %a %U %u %G %g %n' -- 2>&1)
printf '%s\n' "$found" | sed -n "s/^stat: .*'\(.*\)': Permission denied\$/denied \1/p; /^file /p"
regular=$(printf '%s\n' "$found" | sed -n 's/^file 8[0-9a-f]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* //p')
[ -n "$regular" ] || exit 0
listed "$regular" | xargs -0 sha256sum -- 2>&1 | sed -n \
    's/^sha256sum: \(.*\): Permission denied$/denied \1/p; s/^\(\\\{0,1\}[0-9a-f]\{64\}  \)/sum \1/p'
