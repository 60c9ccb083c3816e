# What waits in Exim's queue; no daemon runs. $1: the folder.
# batch AGO COUNT DOMAIN...: messages that came so long ago, each to a recipient at every domain, by SMTP in a file.
batch() {
  ago=$1 count=$2
  shift 2
  for number in $(seq "$count"); do
    echo "MAIL FROM:<sender@lab.test>"
    for domain; do echo "RCPT TO:<user$number@$domain>"; done
    printf 'DATA\nSubject: message %s\n\nThis one waits.\n.\n' "$number"
  done | LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' FAKETIME="-$ago" exim4 -bS -odq
}
batch 4d 8 frozen.example
exim4 -Mf $(exim4 -bp | sed -n 's/.* \([^ ]*-[^ ]*-[^ ]*\) <.*/\1/p') >"$1/frozen"
batch 5h 16 refused.example
batch 26h 10 later.example
batch 26h 6 later.example done.example refused.example
exim4 -q
touch "$1/settled"
exec sleep infinity
