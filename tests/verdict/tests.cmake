dumont_tests(verdict unit fake_verdict)

find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(class Examples Runs Forms)
    add_test(NAME verdict_${class}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/verdict/verdicts.py ${class} $<TARGET_FILE:dumont-fake>)
    set_tests_properties(verdict_${class} PROPERTIES LABELS wire TIMEOUT 300)
  endforeach()
endif()
