# The scripted tour: what a user does on the first day, each step checked. Sourced, not run.

# step TEXT COMMAND...: runs the command and says how it went.
step() {
    local text=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf '  ok    %s\n' "$text"
    else
        printf '  WRONG %s\n%s\n' "$text" "$output" >&2
        return 1
    fi
}

listed_as_sampled() { diff <(ls "$demo/sample") <(ls "$mnt/data"); }
all_bytes_equal() { diff -r "$demo/sample" "$mnt/data"; }
header_read() { head -c 2880 "$mnt/data/$image" | fold -w 80 | grep -q '^SIMPLE  = *T' && long_listing "$mnt/data"; }
long_listing() { [ "$(ls -l "$1" | grep -c '\.fits$')" = "$(ls "$demo/sample" | grep -c '\.fits$')" ]; }
copied_in() { cp "$demo/sample/$image" "$mnt/copy.fits" && vcat "$space/copy.fits" | cmp - "$demo/sample/$image"; }
edited() {
    # In place, one card of the header; then at the end; then with an editor's way of replacing the file.
    local card
    card=$(printf '%-80s' "OBSERVER= 'vofs demo'")
    printf 'first line\n' >"$mnt/notes.txt" && printf 'second line\n' >>"$mnt/notes.txt" &&
        sed -i 's/first/1st/' "$mnt/notes.txt" &&
        [ "$(vcat "$space/notes.txt")" = $'1st line\nsecond line' ] &&
        cp "$demo/sample/$image" "$demo/edited.fits" &&
        printf '%s' "$card" | dd of="$demo/edited.fits" bs=80 seek=1 conv=notrunc status=none &&
        printf '%s' "$card" | dd of="$mnt/copy.fits" bs=80 seek=1 conv=notrunc status=none &&
        vcat "$space/copy.fits" | cmp - "$demo/edited.fits"
}
renamed() {
    mkdir "$mnt/results" && mv "$mnt/copy.fits" "$mnt/results/final.fits" &&
        [ ! -e "$mnt/copy.fits" ] && cmp "$mnt/results/final.fits" "$demo/edited.fits"
}
seen_by_vls() {
    local rows size
    rows=$(vls -l "$space/results") || return 1
    size=$(stat -c %s "$demo/edited.fits")
    printf '%s\n' "$rows"
    printf '%s\n' "$rows" | grep -Eq "^-rw.* $size .* final\.fits\$" && ! vls "$space" | grep -qx copy.fits
}
remounted() { mount_profile "$profile" && is_mounted "$mnt"; }
read_back() { cmp "$mnt/results/final.fits" "$demo/edited.fits" && [ "$(head -n 1 "$mnt/notes.txt")" = '1st line' ]; }
tidied() { rm -r "$mnt/results" "$mnt/notes.txt" && [ "$(ls "$mnt")" = data ] && [ "$(vls "$space")" = data ]; }

tour() {
    profile=$1 mnt=$demo/$1 space=$(prefix_of "$1"):demo
    image=$(cd "$demo/sample" && ls -- *.fits | head -n 1)
    say "$profile:"
    (
        . "$demo/$profile.env"
        step 'list the sample files' listed_as_sampled &&
            step 'read a FITS header' header_read &&
            step 'read every byte' all_bytes_equal &&
            step 'copy an image in' copied_in &&
            step 'edit in place, append, and replace' edited &&
            step 'make a directory and rename into it' renamed &&
            step 'see it through vls -l' seen_by_vls &&
            step 'unmount' unmount_profile "$profile" &&
            step 'mount again' remounted &&
            step 'read back' read_back &&
            step 'remove what was made' tidied
    )
}
