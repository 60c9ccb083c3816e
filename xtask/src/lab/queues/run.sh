# Postfix, and what makes its queue what it shall be. $1: the folder; $2: how many messages wait in the end.
# Names are asked of the lab's resolver and of nobody else; the host's file is laid over in this namespace alone.
mount --bind "$1/resolv.conf" /etc/resolv.conf || exit
/usr/lib/postfix/sbin/master -s -c "$1/etc" &

# Nothing but this wakes up pickup.
until postkick -c "$1/etc" public pickup W 2>/dev/null && [ -S "$1/spool/public/showq" ]; do sleep 0.05; done

count() { find "$@" -type f | wc -l; }
cd "$1/spool"
# In the order in which messages go through them, so that none is missed on its way.
until [ "$(count maildrop)" = 0 ] && [ "$(count incoming)" = 0 ] && [ "$(count active)" = 0 ] &&
  [ "$(count deferred hold)" = "$2" ]; do sleep 0.1; done

# What shall expire as soon as it is tried again, and what is not taken in.
postqueue -c "$1/etc" -j | sed -n 's/.*"queue_id": "\([^"]*\)".*@expiring[.]example.*/\1/p' |
  postsuper -c "$1/etc" -e -
mv "$1"/later/* maildrop/
touch "$1/settled"
wait
