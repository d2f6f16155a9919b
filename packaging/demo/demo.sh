#!/usr/bin/env bash
# The demo: a Vault-like and a Cavern-like service with sample images, mounted side by side until Ctrl-C.
# With DEMO_ONCE=1 it takes the scripted tour instead and exits with 0 only when each step was right.
#
#   demo.sh DIRECTORY-OF-THE-BINARIES
set -uo pipefail
bin=$(cd "$1" && pwd) || exit 2
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tour.sh"

setup
if [ "${DEMO_ONCE:-}" = 1 ]; then
    for profile in "${profiles[@]}"; do tour "$profile" || exit 1; done
    say "all right in both profiles"
    exit 0
fi

image=$(cd "$demo/sample" && ls -- *.fits | head -n 1)
cat <<END

Two spaces are mounted:
  $demo/vault    a service that behaves like CADC's Vault
  $demo/cavern   a service that behaves like ARC (Cavern)

Try, in another terminal:

  ls -l $demo/vault/data
  cp $demo/vault/data/$image $demo/cavern/copy.fits
  cmp $demo/vault/data/$image $demo/cavern/copy.fits
  head -c 2880 $demo/vault/data/$image | fold -w 80 | head

  # with astropy (pip install astropy)
  python3 -c "from astropy.io import fits; fits.info('$demo/vault/data/$image')"

  # the same through the commands
  . $demo/vault.env
  vls -l vos:demo/data
  vcp vos:demo/data/$image /tmp/
  . $demo/cavern.env
  vls -l arc:demo

Ctrl-C ends the demo and removes all of it.
END
# Returns only for a signal, or when a service is gone.
wait -n "${servers[@]}"
die 'a service ended by itself'
