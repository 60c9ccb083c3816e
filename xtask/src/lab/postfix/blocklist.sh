# A filter before the queue, which Postfix asks about each recipient and whose answer it passes on word for word.
# (Postfix itself says this after a look into the DNS, which the lab has not.)
answer() { printf '%s\r\n' "$1"; }
answer '220 blocklist ESMTP'
while read -r command _; do
  case $command in
    RCPT) answer '554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.example; https://zen.example/query/127.0.0.1' ;;
    QUIT*) answer '221 2.0.0 Bye'; exit ;;
    *) answer '250 2.0.0 Ok' ;;
  esac
done
