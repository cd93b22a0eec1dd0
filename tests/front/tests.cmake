dumont_tests(front wire fake_front)

# The running program: one ctest entry for each class of program.py.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(group Wire Told Command Control Reset Secure)
    add_test(NAME front_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/front/program.py ${group} $<TARGET_FILE:dumont-fake>)
    set_tests_properties(front_${group} PROPERTIES LABELS wire TIMEOUT 300)
  endforeach()
endif()
