if(TARGET fake_sftp)
  dumont_tests(sftp unit fake_sftp)

  # A server over a modelled host on standard input and output, for real clients.
  add_executable(modelled_server ${CMAKE_CURRENT_SOURCE_DIR}/sftp/modelled_server.c)
  target_link_libraries(modelled_server PRIVATE dumont_options fake_guest)

  if(DUMONT_PYTHON)
    foreach(group SameAsOpenSSH Scp)
      add_test(NAME sftp_${group}
               COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/sftp/clients.py ${group}
                       $<TARGET_FILE:modelled_server> $<TARGET_FILE:dumont-guest>)
      set_tests_properties(sftp_${group} PROPERTIES LABELS sftp TIMEOUT 120)
    endforeach()
  endif()
endif()
