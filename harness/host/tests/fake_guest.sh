#!/bin/sh
# A guest that says what lies in the files beside it, whatever it is asked.
PATH=/usr/bin:/bin
cat hello
if [ -e before ]; then
    # a frame's length, the lane's token out of the first frame of commands, and the rest
    cat before
    head -c 12 | tail -c 8
fi
cat after
[ -e closes ] && exec sleep 60 >&-
[ -e floods ] && exec cat /dev/zero
[ -e deaf ] && exec sleep 60
[ -e trickles ] && while :; do printf 0; sleep 0.1; done
[ -e spins ] && trap '' HUP INT QUIT TERM ALRM XCPU USR1 USR2 && while :; do :; done
[ -e dribbles ] && while :; do printf 0; done
[ -e stays ] && cat >/dev/null
exit 0
