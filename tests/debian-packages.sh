#!/bin/sh
# The tests talk to a real sshd, check the units with systemd's own tools, the alert rules with
# Prometheus's promtool and journals with hledger, look at pages with Chromium, and run a documented client
# with nc. Installs what is missing when it may, and says what to type when it may not.
set -eu

missing=''
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
command -v ssh >/dev/null || missing="$missing openssh-client"
command -v systemd-analyze >/dev/null || missing="$missing systemd"
command -v nc >/dev/null || missing="$missing netcat-openbsd"
command -v curl >/dev/null || missing="$missing curl"
command -v jq >/dev/null || missing="$missing jq"
command -v openssl >/dev/null || missing="$missing openssl"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v hledger >/dev/null || missing="$missing hledger"
command -v chromium >/dev/null || missing="$missing chromium"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "the tests need these Debian packages: sudo apt-get install$missing" >&2
    exit 1
fi
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # no daemon is to start: the tests run their own sshd
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
echo "installing$missing ..."
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
case $missing in *prometheus*) # only promtool is wanted: the server is not to start at the next boot either
    ! command -v systemctl >/dev/null || systemctl --quiet disable prometheus.service || true ;;
esac
