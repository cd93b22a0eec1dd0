# Time distribution of a run: one bar a phase, with its seconds and its share; the longest stands out.
#
#     gnuplot -e "values='time_distribution.tsv'; output='time_distribution.svg'; format='svg'" time_distribution.gp
#
# values  tab-separated: phase, duration (s), shown (s), share (percent), bottleneck (0 or 1)
# format  svg or png
#
# Colours are those of Okabe and Ito, which colour-blind people can tell apart; the bottleneck is also named.

if (!exists("values")) values = "time_distribution.tsv"
if (!exists("format")) format = "svg"
if (!exists("output")) output = "time_distribution.".format

set datafile separator tab
set encoding utf8

# First pass: how many bars, and the longest.
rows = 0
longest_s = 0.0
note(duration) = (rows = rows + 1, longest_s = duration > longest_s ? duration : longest_s, 0)
set table $ignored
plot values using (0):(note($2)) with table
unset table
if (rows == 0) { rows = 1 }
if (longest_s <= 0) { longest_s = 1.0 }

if (format eq "png") {
    set terminal pngcairo size 1000, 130 + 42 * rows font "DejaVu Sans,12" background rgb "#ffffff" noenhanced
} else {
    set terminal svg size 1000, 130 + 42 * rows font "sans-serif,14" background rgb "#ffffff" noenhanced
}
set output output

ink = "#24292f"
set object 1 rectangle from graph 0, 0 to graph 1, 1 behind fillcolor rgb "#f6f8fa" fillstyle solid noborder
set border 1 linecolor rgb "#8c959f"
set grid xtics linetype 1 linecolor rgb "#d0d7de" linewidth 1
set xtics nomirror out textcolor rgb ink
set ytics scale 0 textcolor rgb ink
set xlabel "seconds" textcolor rgb ink
set title "Time by phase" textcolor rgb ink font ",16"
unset key
set lmargin 20
set rmargin 4
set tmargin 3
set bmargin 4
set xrange [0:longest_s * 1.5]
set yrange [-rows + 0.45:0.55]

place(row) = -row
label(shown, share, bottleneck) = shown." s   ".share." %".(bottleneck ? "   bottleneck" : "")

plot \
    values using (0):(place($0)):(0):2:(place($0) - 0.3):(place($0) + 0.3):($5 == 1 ? 0xe69f00 : 0x9ecae1):ytic(1) \
        with boxxyerror fillstyle solid 1.0 noborder linecolor rgb variable, \
    values using 2:(place($0)):(label(strcol(3), strcol(4), $5 == 1)) \
        with labels left offset 0.8, 0 textcolor rgb ink
