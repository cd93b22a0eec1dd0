dumont_tests(report unit dumont_report dumont_base PkgConfig::CJSON m)

# The plots, where gnuplot is installed: values as report_write_…_values() writes them, of a good and of a failed run.
find_program(GNUPLOT gnuplot)
if(GNUPLOT)
  foreach(values timeline timeline_failed time_distribution time_distribution_failed)
    string(REPLACE "_failed" "" script ${values})
    add_test(NAME report_plot_${values}
             COMMAND ${CMAKE_COMMAND} -DGNUPLOT=${GNUPLOT} -DSCRIPT=${PROJECT_SOURCE_DIR}/plots/${script}.gp
                     -DVALUES=${CMAKE_CURRENT_SOURCE_DIR}/report/values/${values}.tsv
                     -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/report_plot_${values}
                     -P ${CMAKE_CURRENT_SOURCE_DIR}/report/check_plot.cmake)
    # Without a UTF-8 locale gnuplot warns of a degree sign that no plot of ours has.
    set_tests_properties(report_plot_${values} PROPERTIES LABELS unit TIMEOUT 120 ENVIRONMENT LC_ALL=C.UTF-8)
  endforeach()
endif()
