# A policy service (SMTPD_POLICY_README) that greylists: an attempt leaves its pair of sender and recipient in the folder
# $1, the next attempt finds it there, takes it away and is let through.
while read -r line; do
  case $line in
    sender=*) sender=${line#sender=} ;;
    recipient=*) recipient=${line#recipient=} ;;
    '')
      pair=$1/$(printf '%s' "$sender,$recipient" | tr -c 'A-Za-z0-9@.,+-' _)
      if mkdir "$pair"; then
        action='DEFER_IF_PERMIT Greylisted, try again'
      else
        rmdir "$pair"
        action=DUNNO
      fi
      printf 'action=%s\n\n' "$action" ;;
  esac
done
