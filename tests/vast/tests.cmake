dumont_tests(vast unit dumont_vast scripted_world PkgConfig::CJSON)
