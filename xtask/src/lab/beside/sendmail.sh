# What waits in Sendmail's queue; no daemon runs. $1: the folder.
# put COUNT RECIPIENT...: so many messages.
put() {
  count=$1
  shift
  for number in $(seq "$count"); do
    printf 'Subject: message %s\n\nThis one waits.\n' "$number" |
      /usr/libexec/sendmail/sendmail -odq -oi -f sender@lab.test "$@"
  done
}
put 12 user@refused.example
put 6 user@later.example user@quota.example
put 2 user@silent.example
put 4 user1@quota.example user2@quota.example user3@quota.example
/usr/libexec/sendmail/sendmail -q
touch "$1/settled"
exec sleep infinity
