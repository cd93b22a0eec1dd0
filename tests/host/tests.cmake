if(TARGET fake_host)
  dumont_tests(host unit fake_host)
endif()
