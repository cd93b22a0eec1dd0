# Timeline of a run: each phase as a bar, each status poll and SSH attempt as a mark.
#
#     gnuplot -e "values='timeline.tsv'; output='timeline.svg'; format='svg'" timeline.gp
#
# values  tab-separated: row (phase, poll, ssh), phase, start (s), duration (s), outcome or status
# format  svg or png
#
# Colours are those of Okabe and Ito, which colour-blind people can tell apart; shapes differ too.

if (!exists("values")) values = "timeline.tsv"
if (!exists("format")) format = "svg"
if (!exists("output")) output = "timeline.".format

set datafile separator tab
set encoding utf8

# First pass: which phases there are, in order, which statuses and outcomes, and how long it all took.
phases = ""
statuses = ""
attempts = ""
end_s = 0.0
room = 1.12 # for the labels behind the bars
has(list, name) = strstrt(list, '"'.name.'"') > 0
with(list, name) = has(list, name) ? list : list.' "'.name.'"'
note(row, phase, start, duration, state) = ( \
    phases = row eq "phase" ? with(phases, phase) : phases, \
    statuses = row eq "poll" ? with(statuses, state) : statuses, \
    attempts = row eq "ssh" ? with(attempts, state eq "ok" ? "good" : "failed") : attempts, \
    room = row eq "phase" && state ne "ok" ? 1.5 : room, \
    end_s = start + duration > end_s ? start + duration : end_s, \
    0)
set table $ignored
plot values using (0):(note(strcol(1), strcol(2), $3, $4, strcol(5))) with table
unset table

rows = words(phases) > 0 ? words(phases) : 1
if (end_s <= 0) { end_s = 1.0 }

# The place of a phase: the first is on top.
place(phase) = (sum [i = 1:rows] word(phases, i) eq phase ? 1 - i : 0)

if (format eq "png") {
    set terminal pngcairo size 1000, 180 + 42 * rows font "DejaVu Sans,12" background rgb "#ffffff" noenhanced
} else {
    set terminal svg size 1000, 180 + 42 * rows font "sans-serif,14" background rgb "#ffffff" noenhanced
}
set output output

ink = "#24292f"
set object 1 rectangle from graph 0, 0 to graph 1, 1 behind fillcolor rgb "#f6f8fa" fillstyle solid noborder
set border 1 linecolor rgb "#8c959f"
set grid xtics linetype 1 linecolor rgb "#d0d7de" linewidth 1
set xtics nomirror out textcolor rgb ink
set ytics scale 0 textcolor rgb ink
set xlabel "seconds from the start of the first phase" textcolor rgb ink offset 0, 0.3
set title "Where the time goes: phases, status polls and SSH attempts" textcolor rgb ink font ",16" offset 0, 0.2
set key at screen 0.55, screen 0.02 bottom center horizontal Left reverse textcolor rgb ink samplen 1.5 width 1 maxrows 2
set lmargin 20
set rmargin 4
set tmargin 3
set bmargin 6.5
set xrange [0:end_s * room]
set ytics ()
do for [i = 1:words(phases)] { set ytics add (word(phases, i) 1 - i) }
set yrange [-rows + 0.45:0.55]

bar(state) = state eq "ok" ? 0x9ecae1 : 0xd8bfd8
took(duration, state) = sprintf("%.2f s", duration).(state eq "ok" ? "" : "   ".state)
is(want, row) = row eq want

# Marks by status: point type, colour. What is not in the list is drawn as "other".
shown = "null loading running created exited offline unknown"
shapes = "6 7 9 5 11 13 4 8"
colours = "#57606a #e69f00 #009e73 #56b4e9 #d55e00 #cc79a7 #57606a #000000"
is_shown(status) = (sum [i = 1:words(shown)] word(shown, i) eq status) > 0
status_of(status) = is_shown(status) ? status : "other"
do for [i = 1:words(statuses)] { statuses = with(statuses, status_of(word(statuses, i))) }

plot \
    values using 3:(is("phase", strcol(1)) ? place(strcol(2)) : NaN):3:($3 + $4): \
        (place(strcol(2)) - 0.3):(place(strcol(2)) + 0.3):(bar(strcol(5))) \
        with boxxyerror fillstyle solid 1.0 noborder linecolor rgb variable notitle, \
    values using ($3 + $4):(is("phase", strcol(1)) ? place(strcol(2)) : NaN):(took($4, strcol(5))) \
        with labels left offset 1.2, 0 textcolor rgb ink notitle, \
    for [i = 1:words(shown) + 1] values \
        using 3:(is("poll", strcol(1)) && status_of(strcol(5)) eq word(shown." other", i) ? place(strcol(2)) : NaN) \
        with points pointtype int(word(shapes, i)) pointsize 1.3 linewidth 2 linecolor rgb word(colours, i) \
        title (has(statuses, word(shown." other", i)) ? "status ".word(shown." other", i) : ""), \
    values using ($3 + $4 / 2):(is("ssh", strcol(1)) && strcol(5) ne "ok" ? place(strcol(2)) : NaN) \
        with points pointtype 2 pointsize 1.4 linewidth 2.5 linecolor rgb "#d55e00" \
        title (has(attempts, "failed") ? "SSH attempt failed" : ""), \
    values using ($3 + $4 / 2):(is("ssh", strcol(1)) && strcol(5) eq "ok" ? place(strcol(2)) : NaN) \
        with points pointtype 13 pointsize 1.6 linecolor rgb "#0072b2" \
        title (has(attempts, "good") ? "SSH attempt good" : "")
