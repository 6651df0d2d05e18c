#!/bin/sh
# Fails where a room of app/ includes one that does not stand below it, and where headers include each other in a circle.
cd "${1:-$(dirname "$0")/../app}" || exit 2
includes=$(grep -n '^#include "[a-z_]*/' *.cpp */*.[ch]pp)  # system/files.cpp:18:#include "system/interrupt.hpp"

printf '%s\n' "$includes" | awk -F '[:"]' '
  BEGIN {
    below["main.cpp"] = "commands training python cli system"
    below["commands"] = "training python cli system"
    below["training"] = below["python"] = "cli system"
    below["cli"] = "system"
  }
  {
    split($1, from, "/")
    split($4, to, "/")
    if (from[1] == to[1] || index(" " below[from[1]] " ", " " to[1] " ")) next
    print "app/" $1 ":" $2 ": " from[1] " must not include " $4
    failed = 1
  }
  END { exit failed }' || exit 1

# tsort fails, and names the files, where they have no order.
circle=$(printf '%s\n' "$includes" | awk -F '[:"]' '{ print $1, $4 }' | tsort 2>&1 >/dev/null) && exit 0
printf '%s\n' "$circle" | sed -n 's/^tsort: \(.*\.hpp\)$/\1/p' | while read -r file; do
  printf '%s\n' "$includes" | grep "^$file:" | sed "s,^,app/,; s,\$, is part of a circle,"
done
exit 1
