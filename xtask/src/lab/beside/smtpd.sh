# OpenSMTPD, and what waits in its queue. $1: the folder.
smtpd -d &
until [ -S /run/smtpd.sock ]; do sleep 0.05; done
# put COUNT DOMAIN...: so many messages, each to a recipient at every domain.
put() {
  count=$1
  shift
  for number in $(seq "$count"); do
    printf 'Subject: message %s\n\nThis one waits.\n' "$number" |
      smtp -s smtp://127.88.0.122 -F sender@lab.test $(printf "user$number@%s " "$@")
  done
}
# After ten failures in a session it waits for five seconds.
ctl() { setpriv --regid opensmtpq --clear-groups smtpctl "$@"; }
ctl pause mta
put 5 policy.example
put 5 quota.example
put 4 later.example quota.example policy.example
put 8 greylisted.example
ctl resume mta
# Each was tried for.
until [ "$(ctl show queue | grep -c 'pending|[0-9]*|.')" = 30 ]; do
  sleep 0.1
done
touch "$1/settled"
wait
