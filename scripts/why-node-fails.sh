#!/bin/sh
# Runs when a script of package.json has failed. Where the project's Node cannot even start it prints the command that mends it; else it
# adds nothing to what was printed. Plain sh: on such a machine there is no other program to say it with.
message=$(node --version 2>&1 > /dev/null) && exit 1

library=$(printf '%s\n' "$message" | sed -n 's/.*error while loading shared libraries: \([^:]*\):.*/\1/p')
case $library in
  libatomic.so.1) deb=libatomic1 rpm=libatomic suse=libatomic1 ;;
  libstdc++.so.6) deb=libstdc++6 rpm=libstdc++ suse=libstdc++6 ;;
  libgcc_s.so.1) deb=libgcc-s1 rpm=libgcc suse=libgcc_s1 ;;
  *) printf '%s\nThe Node that the project brings does not start on this machine. docs/install.md lists what it needs.\n' "$message" >&2; exit 1 ;;
esac

if command -v apt-get > /dev/null; then mend="apt-get install $deb"
elif command -v dnf > /dev/null; then mend="dnf install $rpm"
elif command -v yum > /dev/null; then mend="yum install $rpm"
elif command -v zypper > /dev/null; then mend="zypper install $suse"
else mend="install the package of your system that has $library"
fi
[ "$(id -u)" = 0 ] || mend="sudo $mend"
printf 'Node needs %s, which this machine does not have. To mend it:\n\n  %s\n' "$library" "$mend" >&2
exit 1
