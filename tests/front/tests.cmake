# A stage with the SSH front alone.
add_library(ssh_stage STATIC ${CMAKE_CURRENT_SOURCE_DIR}/front/ssh_stage.c)
target_include_directories(ssh_stage PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(ssh_stage PRIVATE dumont_options PUBLIC fake_front)
add_executable(ssh_stage_main ${CMAKE_CURRENT_SOURCE_DIR}/front/ssh_stage_main.c)
target_link_libraries(ssh_stage_main PRIVATE dumont_options ssh_stage)

dumont_tests(front wire fake_front ssh_stage)

find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  # The running program: one ctest entry for each class.
  foreach(group apis.Wire apis.Control apis.Reset apis.Secure command.Told command.Command)
    string(REPLACE "." ";" parts ${group})
    list(GET parts 0 program)
    list(GET parts 1 class)
    add_test(NAME front_${class}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/front/${program}.py ${class} $<TARGET_FILE:dumont-fake>)
    set_tests_properties(front_${class} PROPERTIES LABELS wire TIMEOUT 300)
  endforeach()
  # The SSH front, as OpenSSH's client sees it.
  foreach(class Commands Stages Keys Ends Times Shells Refusals Fuzz)
    add_test(NAME front_ssh_${class}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/front/ssh.py ${class} $<TARGET_FILE:ssh_stage_main>)
    set_tests_properties(front_ssh_${class} PROPERTIES LABELS wire TIMEOUT 300)
  endforeach()
endif()
