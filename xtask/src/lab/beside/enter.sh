# Runs a command where packages that were only unpacked are in their usual places, and so are the accounts and settings that
# they want. Nothing of it is seen outside of this namespace of mounts, and the host's folders are not written to.
# $1: the server's folder; $2: where its packages are unpacked; then the command.
folder=$1 unpacked=$2
shift 2
mount -t overlay lab -o "lowerdir=$unpacked/usr:/usr" /usr &&
  mount -t overlay lab -o "lowerdir=$folder/etc:/etc" /etc &&
  mount --bind "$folder/spool" /var/spool && mount --bind "$folder/lib" /var/lib && mount --bind "$folder/run" /run &&
  exec "$@"
