#!/usr/bin/awk -f
# Heat spreads along a rod that is hot at its left end: a program of its own, as your Fortran or C program is one.
# usage: awk -f heat.awk -v points=100 -v steps=20000 -v rate=0.2; writes profile.csv, tells how far it is.

BEGIN {
    if (rate > 0.5) { print "heat.awk: the rate " rate " is too large: it would not be stable" > "/dev/stderr"; exit 3 }
    heat[0] = 1
    for (step = 1; step <= steps; step++) {
        for (i = 1; i < points; i++) next_heat[i] = heat[i] + rate * (heat[i - 1] - 2 * heat[i] + heat[i + 1])
        for (i = 1; i < points; i++) heat[i] = next_heat[i]
        if (step % 1000 == 0) { print "step " step " of " steps; fflush() }
    }
    print "place,heat" > "profile.csv"
    for (i = 0; i < points; i++) printf "%d,%.6f\n", i, heat[i] > "profile.csv"
}
