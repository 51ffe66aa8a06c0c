# Then: the largest size in bytes, then paths, a line each. Answers `ok`, and for each file `text BASE64 PATH`.
IFS= read -r most
echo ok
while IFS= read -r path; do
    printf 'text %s %s\n' "$(head -c "$most" -- "$path" | base64 | tr -d '\n')" "$path"
done
