dumont_tests(fault unit fake_fault PkgConfig::CJSON)
