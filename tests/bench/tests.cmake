# That the bench command works and tells the same twice; no speed is asserted anywhere.
if(DUMONT_PYTHON)
  add_test(NAME bench_command
           COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/bench/command.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  set_tests_properties(bench_command PROPERTIES TIMEOUT 120)
endif()
