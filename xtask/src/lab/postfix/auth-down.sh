# A login server that names its mechanisms and hangs up on whoever tries one: what Postfix sees while Dovecot restarts.
# (Dovecot's own "temporary failure" would not do: Postfix 3.7 answers it with a permanent 535.)
printf 'VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0\nDONE\n'
while read -r word _ && [ "$word" != AUTH ]; do :; done
