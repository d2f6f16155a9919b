#!/usr/bin/env bash
# What a minimal system does with the package: install it, take the tour, mount by mount(8), by /etc/fstab and by autofs, remove it.
# Run by clean-root.sh inside of it.
set -euo pipefail
cd /tmp
step() { printf '== %s\n' "$*"; }

find / -xdev -not -path '/tmp/*' -not -path '/var/*' -not -path '/run/*' -not -path '/etc/*-' | sort >before
step install
dpkg --install vofs.deb
for program in mountvofs vls vcp vospaced; do "$program" --version; done
for page in mountvofs vls vospace cadc-get-cert; do zcat -f /usr/share/man/man1/$page.1* | grep -q "$page"; done
for script in bash-completion/completions/vls zsh/site-functions/_vospace fish/vendor_completions.d/vls.fish; do
    grep -q vls "/usr/share/$script"
done

step tour
DEMO_ONCE=1 /usr/share/vofs/demo/demo.sh /usr/bin

step 'mount -t vofs'
vospaced serve --data /tmp/space --tls --listen 127.0.0.1:0 >served 2>served.err &
service=$!
until grep -qs '^vospaced ready:' served; do kill -0 $service || { cat served.err; exit 1; }; sleep 0.1; done
registry=$(sed -n 's/^vospaced ready: registry=//p' served)
install -m 644 /tmp/space/tls/ca.pem ca.pem
export VOSPACE_CA_BUNDLE=/tmp/ca.pem
v() { local command=$1; shift; VOSPACE_TOKEN=demo-token VOSPACE_REGISTRY_URL=$registry "$command" "$@"; }
# The daemon of a mount goes when all is uploaded, and gives its cache free: ended CACHE [USER]
ended() { until runuser -u "${2:-root}" -- flock --nonblock "$1/lock" true; do sleep 0.1; done; }
printf 'by mount\n' >note
v vcp note vos:demo/note.txt
v vcp note vos:demo/private.txt
v vchmod o+r vos:demo
v vchmod o+r vos:demo/note.txt
mkdir /mnt/space
options=registry=$registry,cache_dir=/var/cache/space,_netdev,nofail,x-systemd.automount
v mount -t vofs -o "$options,noexec" vos:demo /mnt/space
cmp note /mnt/space/note.txt
grep '^vos:demo /mnt/space fuse.* rw,.*noexec' /proc/mounts
printf 'written\n' >/mnt/space/new.txt
umount /mnt/space
ended /var/cache/space
v vcat vos:demo/new.txt | grep -qx written

# From here on as the guide says it: the registry of the machine in its configuration, certificates, lines of tables. The
# registry is that of the test, and spaces and the user have names that are there.
mkdir -p /etc/vofs
printf '[mount]\nregistry = "%s"\n' "$registry" >/etc/vofs/config.toml
mountvofs config show --vospace vos:demo | grep -F "$registry" | grep -q /etc/vofs/config.toml
install -m 600 /tmp/space/tls/users/demo.pem /etc/vofs/cadcproxy.pem
useradd --create-home astronomer
useradd --create-home colleague
install -D -m 600 -o astronomer /tmp/space/tls/users/demo.pem /home/astronomer/.ssl/cadcproxy.pem
named() { sed 's/vos:USER/vos:demo/; s/setuid=USER/setuid=astronomer/; s/DATA/demo/' "$1"; }

step '/etc/fstab, as the guide has it'
named guide.fstab >>/etc/fstab
user=/mnt/vault everybody=/mnt/data
[ "$(grep -c '[[:space:]]vofs[[:space:]]' /etc/fstab)" = 2 ]
install -d -o astronomer $user
mkdir $everybody
runuser -u astronomer -- mount $user
runuser -u astronomer -- cmp note $user/private.txt
grep "^vos:demo $user fuse.vofs rw,.*noexec" /proc/mounts
# Its owner's alone, and its cache with it.
if ls $user 2>/dev/null; then echo 'root sees a mount of somebody else'; exit 1; fi
[ "$(stat -c %U:%a /home/astronomer/vos:demo)" = astronomer:700 ]
runuser -u astronomer -- umount $user
ended /home/astronomer/vos:demo astronomer
# What is another one's line is nobody else's.
if runuser -u colleague -- mount $user 2>said; then echo 'mounted as somebody else'; exit 1; fi
grep "cannot mount as 'astronomer'.*only root can" said
mount $user
runuser -u astronomer -- cmp note $user/private.txt
umount $user
ended /home/astronomer/vos:demo astronomer
mount $everybody
if touch $everybody/refused 2>/dev/null; then echo 'a read-only mount was written to'; exit 1; fi
cmp note $everybody/private.txt
runuser -u colleague -- cmp note $everybody/note.txt
if runuser -u colleague -- cat $everybody/private.txt 2>/dev/null; then echo 'private, and read by another user'; exit 1; fi
umount $everybody
ended /var/cache/vofs-data

step 'autofs, as the guide has it'
# Mounted by whoever looks, unmounted when nobody does.
printf '/vospace /tmp/auto.vofs --timeout=1\n' >/tmp/auto.master
named guide.autofs >/tmp/auto.vofs
[ -s /tmp/auto.vofs ]
mkdir /vospace
# A process group of its own: the kernel looks for it in this process namespace.
setsid automount --foreground --verbose --dont-check-daemon /tmp/auto.master >/tmp/automount.log 2>&1 &
automount=$!
limit=$((SECONDS + 30))
until grep -q '^/tmp/auto.vofs /vospace autofs' /proc/mounts; do
    [ $SECONDS -lt $limit ] || { cat /tmp/automount.log; exit 1; }
    sleep 0.1
done
runuser -u colleague -- cmp note /vospace/data/note.txt || { cat /tmp/automount.log; exit 1; }
grep -q '^vos:demo /vospace/data fuse.* ro,' /proc/mounts
limit=$((SECONDS + 60))
while grep -q ' /vospace/data fuse' /proc/mounts; do
    [ $SECONDS -lt $limit ] || { echo 'not unmounted although nobody looks'; cat /tmp/automount.log; exit 1; }
    sleep 0.2
done
kill $automount
wait $automount || true
rmdir /vospace
ended /var/cache/vofs-data

step 'setuid='
# With options of the command line, from root, into a directory of the user's.
runuser -u astronomer -- mkdir /home/astronomer/space
mount -t vofs -o "registry=$registry,setuid=astronomer" vos:demo /home/astronomer/space
runuser -u astronomer -- cmp note /home/astronomer/space/note.txt
runuser -u astronomer -- fusermount3 -u /home/astronomer/space
ended /home/astronomer/vos:demo astronomer
userdel --remove astronomer 2>/dev/null
userdel --remove colleague 2>/dev/null
rm -r /etc/vofs $user $everybody

step 'exit status'
status=0
v mount -t vofs -o "$options,cache_dri=/x" vos:demo /mnt/space || status=$?
[ $status = 1 ] || { echo "wrong usage: mount says $status"; exit 1; }
status=0
v mount -t vofs -o "$options" vos:demo/nowhere /mnt/space || status=$?
[ $status = 32 ] || { echo "nothing to mount: mount says $status"; exit 1; }
kill $service
sed -i '/vofs/d' /etc/fstab
rmdir /mnt/space

step remove
dpkg --purge vofs
rm -rf /root/.cache /root/vos:* /root/.config
find / -xdev -not -path '/tmp/*' -not -path '/var/*' -not -path '/run/*' -not -path '/etc/*-' | sort >after
diff before after
step 'all right'
