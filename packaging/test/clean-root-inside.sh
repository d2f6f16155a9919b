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

step tour
DEMO_ONCE=1 /usr/share/vofs/demo/demo.sh /usr/bin

step 'mount -t vofs'
vospaced serve --data /tmp/space --listen 127.0.0.1:0 >served 2>served.err &
service=$!
until grep -qs '^vospaced ready:' served; do kill -0 $service || { cat served.err; exit 1; }; sleep 0.1; done
registry=$(sed -n 's/^vospaced ready: registry=//p' served)
export VOSPACE_TOKEN=demo-token
printf 'by mount\n' >note
VOSPACE_REGISTRY_URL=$registry vcp note vos:demo/note.txt
mkdir /mnt/space
options=registry=$registry,cache_dir=/var/cache/space,_netdev,nofail,x-systemd.automount
mount -t vofs -o "$options,noexec" vos:demo /mnt/space
cmp note /mnt/space/note.txt
grep '^vos:demo /mnt/space fuse.* rw,.*noexec' /proc/mounts
printf 'written\n' >/mnt/space/new.txt
umount /mnt/space
# The daemon goes when all is uploaded, and gives its cache free.
until flock --nonblock /var/cache/space/lock true; do sleep 0.1; done
VOSPACE_REGISTRY_URL=$registry vcat vos:demo/new.txt | grep -qx written

step /etc/fstab
printf 'vos:demo /mnt/space vofs ro,noauto,%s 0 0\n' "$options" >>/etc/fstab
mount /mnt/space
cmp note /mnt/space/note.txt
if touch /mnt/space/refused 2>/dev/null; then echo 'a read-only mount was written to'; exit 1; fi
umount /mnt/space
until flock --nonblock /var/cache/space/lock true; do sleep 0.1; done

step autofs
# Mounted by whoever looks, unmounted when nobody does.
printf '/vospace /tmp/auto.vofs --timeout=1\n' >/tmp/auto.master
printf 'data  -fstype=vofs,ro,cache_dir=/var/cache/space  :vos\\:demo\n' >/tmp/auto.vofs
mkdir /vospace
# A process group of its own: the kernel looks for it in this process namespace.
VOSPACE_REGISTRY_URL=$registry setsid automount --foreground --verbose --dont-check-daemon /tmp/auto.master >/tmp/automount.log 2>&1 &
automount=$!
limit=$((SECONDS + 30))
until grep -q '^/tmp/auto.vofs /vospace autofs' /proc/mounts; do
    [ $SECONDS -lt $limit ] || { cat /tmp/automount.log; exit 1; }
    sleep 0.1
done
cmp note /vospace/data/note.txt || { cat /tmp/automount.log; exit 1; }
grep -q '^vos:demo /vospace/data fuse.* ro,' /proc/mounts
limit=$((SECONDS + 60))
while grep -q ' /vospace/data fuse' /proc/mounts; do
    [ $SECONDS -lt $limit ] || { echo 'not unmounted although nobody looks'; cat /tmp/automount.log; exit 1; }
    sleep 0.2
done
kill $automount
wait $automount || true
rmdir /vospace
until flock --nonblock /var/cache/space/lock true; do sleep 0.1; done

step 'setuid='
useradd --create-home astronomer
runuser -u astronomer -- mkdir /home/astronomer/space
mount -t vofs -o "registry=$registry,setuid=astronomer" vos:demo /home/astronomer/space
runuser -u astronomer -- cmp note /home/astronomer/space/note.txt
# Its owner's alone, and its cache with it.
if ls /home/astronomer/space 2>/dev/null; then echo 'root sees a mount of somebody else'; exit 1; fi
[ "$(stat -c %U:%a /home/astronomer/vos:demo)" = astronomer:700 ]
runuser -u astronomer -- fusermount3 -u /home/astronomer/space
until runuser -u astronomer -- flock --nonblock /home/astronomer/vos:demo/lock true; do sleep 0.1; done
userdel --remove astronomer 2>/dev/null

step 'exit status'
status=0
mount -t vofs -o "$options,cache_dri=/x" vos:demo /mnt/space || status=$?
[ $status = 1 ] || { echo "wrong usage: mount says $status"; exit 1; }
status=0
mount -t vofs -o "$options" vos:demo/nowhere /mnt/space || status=$?
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
