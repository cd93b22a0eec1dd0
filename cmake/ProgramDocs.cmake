# dumont_program_docs(TARGET): lets the built program write its own man page and bash completion, and installs both.
function(dumont_program_docs target)
  set(man ${CMAKE_CURRENT_BINARY_DIR}/${target}.1)
  set(completion ${CMAKE_CURRENT_BINARY_DIR}/${target}.bash-completion)
  add_custom_command(
    OUTPUT ${man} ${completion}
    COMMAND ${target} --print-man > ${man}
    COMMAND ${target} --print-completion > ${completion}
    DEPENDS ${target}
    COMMENT "Man page and completion of ${target}"
    VERBATIM)
  add_custom_target(${target}_docs ALL DEPENDS ${man} ${completion})
  install(FILES ${man} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${target})
endfunction()
