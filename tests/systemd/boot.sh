#!/bin/sh
# Boots the systemd of this machine as process 1 of namespaces of its own, on a copy of the root that
# is thrown away, and lets it run steps.sh. Needs root; nothing outside WORK changes.
#
# usage: boot.sh WORK SOURCE SITE PYTHON
#   WORK     an empty folder; what the steps find out is left in WORK/out
#   SOURCE   this repo
#   SITE     the site-packages with what it needs
#   PYTHON   below /usr, because the units see none below /root and /home
# or:    boot.sh check WORK    exits with 0 where all of this is allowed
set -eu

time_limit_s=140

if [ "$1" = check ]; then
    [ -x /lib/systemd/systemd ] && [ -x /usr/bin/setpriv ]
    # shellcheck disable=SC2016 # the inner shell's own
    unshare --mount --pid --fork --kill-child --cgroup --ipc --uts sh -ec '
        mount -t tmpfs none "$1"; mkdir "$1/up" "$1/wk" "$1/root" "$1/cgroup"
        mount -t overlay none -o "lowerdir=/,upperdir=$1/up,workdir=$1/wk" "$1/root"
        mount -t cgroup2 none "$1/cgroup"; mkdir "$1/cgroup/gitmeter-$$"; rmdir "$1/cgroup/gitmeter-$$"
    ' sh "$2"
    exit
fi

work=$1 source=$2 site=$3 python=$4
here=$(dirname "$(readlink -f "$0")")

if [ "${5:-}" = '' ]; then # outside: a control group of our own, removed when all is over
    # shellcheck disable=SC2016 # the inner shell's own
    exec unshare --mount sh -eu -c '
        work=$1; limit_s=$2; shift 2
        mkdir "$work/cgroup"; mount -t cgroup2 none "$work/cgroup"
        group=$work/cgroup/gitmeter-$$; mkdir "$group"
        sh -c "echo \$\$ >\"\$0/cgroup.procs\"; exec \"\$@\"" "$group" \
            timeout --signal=KILL "$limit_s" \
            unshare --mount --pid --fork --kill-child --cgroup --ipc --uts sh "$@" inside </dev/null || status=$?
        find "$group" -depth -type d -exec rmdir {} +
        exit "${status:-0}"
    ' sh "$work" "$time_limit_s" "$here/boot.sh" "$@"
fi

mount --make-rprivate /
mkdir "$work/layer"
mount -t tmpfs none "$work/layer"
mkdir "$work/layer/up" "$work/layer/wk" "$work/layer/root"
root=$work/layer/root
mount -t overlay none -o "lowerdir=/,upperdir=$work/layer/up,workdir=$work/layer/wk" "$root"

mount -t proc none "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro none "$root/sys"
mountpoint -q "$root/sys/fs/cgroup" || mount -t cgroup2 none "$root/sys/fs/cgroup"
mount -t tmpfs none "$root/run"
mount -t tmpfs -o mode=1777 none "$root/tmp"
mount -t tmpfs none "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666 none "$root/dev/pts"
mount -t tmpfs -o mode=1777 none "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"

# No other unit of this machine than the journal.
rm -rf "$root"/lib/systemd/system/*.wants "$root"/etc/systemd/system/* \
    "$root"/lib/systemd/system-generators "$root"/etc/machine-id "$root"/var/lib/gitmeter* \
    "$root"/var/lib/node-pusher "$root"/var/lib/till "$root"/var/lib/portal "$root"/etc/gitmeter "$root"/opt
echo 00000000000000000000000000000001 >"$root/etc/machine-id"
: >"$root/etc/fstab"
wants=$root/lib/systemd/system
mkdir "$wants/sysinit.target.wants" "$wants/sockets.target.wants"
ln -s ../systemd-journald.service "$wants/sysinit.target.wants/"
ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket "$wants/sockets.target.wants/"

# The programs, where the units look for them.
mkdir -p "$root/opt/gitmeter/bin" "$root/opt/source" "$root/opt/site" "$root/out"
mount --bind "$source" "$root/opt/source"
mount --bind "$site" "$root/opt/site"
mount --bind "$work/out" "$root/out"
ln -s "$python" "$root/opt/gitmeter/bin/python3"
for program in node-pusher:node_pusher books:books portal:portal aggregator:aggregator; do
    file=$root/opt/gitmeter/bin/${program%%:*}
    printf '#!%s\nimport sys\nsys.path[:0] = ["/opt/source", "/opt/site"]\nfrom %s.cli import main\nmain()\n' \
        "$python" "${program#*:}" >"$file"
    chmod 755 "$file"
done

# As the operator's guide installs them.
cd "$source"
install -m 644 systemd/*.service systemd/*.socket systemd/*.timer "$root/etc/systemd/system/"
install -D -m 644 systemd/gitmeter.sysusers "$root/etc/sysusers.d/gitmeter.conf"
install -D -m 644 systemd/gitmeter.tmpfiles "$root/etc/tmpfiles.d/gitmeter.conf"

cat >"$root/etc/systemd/system/steps.service" <<'UNIT'
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/sh /opt/source/tests/systemd/steps.sh
TimeoutStartSec=90
StandardOutput=append:/out/steps.log
StandardError=append:/out/steps.log
UNIT
printf '[Unit]\nRequires=basic.target steps.service\nAfter=basic.target\n' \
    >"$root/etc/systemd/system/steps.target"

cd "$root"
mkdir old
pivot_root . old
cd /
umount -l /old
mount --make-rshared /
exec env -i container=nspawn PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=steps.target
