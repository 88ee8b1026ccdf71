# What a person does after the installation, under a systemd that boot.sh has started. Each step leaves what
# it printed in /out/NAME and its exit status in /out/NAME.status; test_booted.py judges them.
#
# Read from /out: url (of the node's repo), ssh_url (of the same), ssh_key, known_hosts.
set -u
trap 'journalctl --no-pager -b >/out/whole_journal 2>&1' EXIT
trap 'exit 1' TERM
url=$(cat /out/url)
node() { runuser -u node-pusher -- /opt/gitmeter/bin/node-pusher --home /var/lib/node-pusher "$@"; }
aggregator() { runuser -u gitmeter -- /opt/gitmeter/bin/aggregator "$@"; }
step() {
    name=$1; shift
    "$@" >"/out/$name" 2>&1
    echo $? >"/out/$name.status"
}
until_it_prints() { # WORDS COMMAND...: try for 20 s
    words=$1; shift
    for _ in $(seq 40); do
        "$@" 2>/dev/null | grep -q "$words" && return
        sleep 0.5
    done
}
main_pid() { systemctl show -P MainPID "$1"; }

step sysusers systemd-sysusers gitmeter.conf
step tmpfiles systemd-tmpfiles --create gitmeter.conf
printf 'may-write\n' | install -m 400 -o node-pusher /dev/stdin /etc/gitmeter/node-pusher.token
printf 'may-read\n' | install -m 400 /dev/stdin /etc/gitmeter/token

systemctl start node-pusher.service
step before_init systemctl show -P ConditionResult node-pusher.service
step init node init --node n1 --remote "$url" --token-file /etc/gitmeter/node-pusher.token

# A service of the group, with a state directory of its own, records.
cat >/run/systemd/system/embedder.service <<'UNIT'
[Service]
Type=oneshot
DynamicUser=yes
StateDirectory=embedder
SupplementaryGroups=node-pusher
ReadWritePaths=/var/lib/node-pusher
Environment=NODE_PUSHER_HOME=/var/lib/node-pusher
ExecStart=/opt/gitmeter/bin/node-pusher record --user alice --resource hero_os/seconds --units 3600
UNIT
systemctl daemon-reload
step record systemctl start embedder.service
step push systemctl start node-pusher.service
step after_push node status

# The remote is away: port 9 refuses.
step record_again systemctl start embedder.service
sed -i.kept 's#://127.0.0.1:[0-9]*#://127.0.0.1:9#' /var/lib/node-pusher/node.toml
step push_away systemctl start node-pusher.service
step waiting node status
mv /var/lib/node-pusher/node.toml.kept /var/lib/node-pusher/node.toml
step push_back systemctl start node-pusher.service
step journal_pusher journalctl --no-pager -o cat -u node-pusher.service
step timer systemctl start node-pusher.timer
step timers systemctl list-timers --no-pager node-pusher.timer

# Services send over the socket; the listener starts with the first one, and anew for a client that waits.
step listen systemctl start node-pusher-listen.socket
cat >/run/systemd/system/broker.service <<'UNIT'
[Service]
Type=oneshot
DynamicUser=yes
SupplementaryGroups=node-pusher
ExecStart=/bin/sh -c 'printf "{\\"user\\":\\"bob\\",\\"resource\\":\\"r\\",\\"units\\":1}\\n" | nc -N -U /var/lib/node-pusher/listen.sock'
StandardOutput=append:/out/answers
UNIT
systemctl daemon-reload
step send systemctl start broker.service
step listen_socket stat -c '%a %U %G' /var/lib/node-pusher/listen.sock
step listen_process cat "/proc/$(main_pid node-pusher-listen.service)/status"
step listen_stop systemctl stop node-pusher-listen.service
step send_again systemctl start broker.service
step doctor /opt/gitmeter/bin/node-pusher --home /var/lib/node-pusher doctor --json
step listen_end systemctl stop node-pusher-listen.socket node-pusher-listen.service
step journal_listen journalctl --no-pager -o cat -u node-pusher-listen.service

node show-key >/etc/gitmeter/allowed_signers
cat >/etc/gitmeter/aggregator.toml <<CONFIG
pull_every_s = 5
pull_jitter_s = 0
allowed_signers_file = "/etc/gitmeter/allowed_signers"
[[repo]]
node = "n1"
url = "$url"
token_file = "/run/credentials/aggregator.service/token"
CONFIG
step start systemctl start aggregator.service
until_it_prints '"records": 2' aggregator nodes --json
step nodes aggregator nodes --json
step status systemctl show -P StatusText aggregator.service
step process cat "/proc/$(main_pid aggregator.service)/status"
step credentials stat -c '%a %U %n' /run/credentials/aggregator.service/token
step credentials_others runuser -u node-pusher -- cat /run/credentials/aggregator.service/token

# A portal reads the ledger, whether the daemon runs or not; a wrong key is looked for in it.
ask_portal() {
    curl --silent --unix-socket /run/portal/portal.sock http://portal/v1/me \
        --header 'Authorization: Bearer oc_live_00000000000000000000000000000000'
}
printf '[listen]\naddress = "unix:/run/portal/portal.sock"\n' >/etc/gitmeter/portal.toml
install -d -o portal /srv/desk-1.git
runuser -u portal -- git init --quiet --bare --initial-branch=main /srv/desk-1.git
step portal_init runuser -u portal -- /opt/gitmeter/bin/portal init --node desk-1 --remote file:///srv/desk-1.git
step portal_start systemctl start portal.service
step portal_beside_daemon ask_portal
step stop systemctl stop aggregator.service
step portal_alone ask_portal
step portal_stop systemctl stop portal.service
step stopped systemctl show -P Result aggregator.service
step verify aggregator verify

# The units of a till find each its own keys in the folder that they start in; the books read the ledger.
for key in stripe_key sweep_stripe_key reconcile_stripe_key till_tag_key; do
    printf '%s-of-tests\n' "$key" | install -m 400 /dev/stdin "/etc/gitmeter/$key"
done
printf '# keys\n' >/etc/gitmeter/reconcile.toml
for home in till gitmeter-books; do touch "/var/lib/$home/node.toml"; done
inside() { # UNIT COMMAND: what it prints in the sandbox of that unit
    mkdir -p "/run/systemd/system/$1.service.d"
    printf '[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/bin/sh -c "%s"\n' "$2" \
        >"/run/systemd/system/$1.service.d/inside.conf"
    systemctl daemon-reload
    systemctl start "$1.service"
    journalctl --no-pager -o cat _SYSTEMD_UNIT="$1.service" + UNIT="$1.service"
}
keys='cat stripe_key till_tag_key; grep . hint_secret; echo; cat /etc/gitmeter/stripe_key'
step keys_of_till inside till "$keys; touch /var/lib/till/x /run/till/x"
step keys_of_sweep inside till-sweep "$keys"
step ledger_of_books inside books-reconcile \
    '/opt/gitmeter/bin/aggregator nodes --json; cat ${CREDENTIALS_DIRECTORY}/stripe_key; touch /var/lib/gitmeter/x'
step folders_of_portal inside portal \
    'touch /var/lib/portal/x /run/portal/x /var/lib/gitmeter/x /var/lib/gitmeter/mirrors/x; cat hint_secret'

# A daemon that hangs is ended by the watchdog, says where it hung, and is started again.
mkdir -p /run/systemd/system/aggregator.service.d
printf '[Service]\nWatchdogSec=3s\nRestartSec=100ms\n' >/run/systemd/system/aggregator.service.d/short.conf
systemctl daemon-reload
systemctl start aggregator.service
kill -STOP "$(main_pid aggregator.service)"
until_it_prints '^1$' systemctl show -P NRestarts aggregator.service
step restarts systemctl show -P NRestarts aggregator.service
systemctl stop aggregator.service
step journal journalctl --no-pager -o cat -u aggregator.service

# The same sandbox, from inside.
cp /out/ssh_key /out/known_hosts /etc/gitmeter/
systemd-tmpfiles --create gitmeter.conf
sed 's#^ExecStart=.*#ExecStart=/opt/gitmeter/bin/python3 /opt/source/tests/systemd/sandboxed.py#
     s#^Type=.*#Type=oneshot#; s#^Restart=.*##; s#^WatchdogSec=.*##
     s#^Environment=.*#Environment=PYTHONPATH=/opt/source:/opt/site#' \
    /etc/systemd/system/aggregator.service >/run/systemd/system/sandboxed.service
systemctl daemon-reload
step sandbox systemctl start sandboxed.service
step sandboxed journalctl --no-pager -o cat -u sandboxed.service
